/**
 * Peers of datagrams, in the form that precedes their bytes in a slab (`crates/binding/src/rings/peers.rs`). A received
 * peer is kept as those words, and sent back as those words, without decoding them.
 */
import { SocketAddress as Parsed } from 'node:net'
import { loadBinding } from '../../native/load.ts'
import { IP_PEER_BYTES, NO_PEER, Peer, UNIX_PEER_BYTES } from '../../native/protocol.ts'
import type { DatagramAddress, SocketAddress } from '../contract/backend.ts'
import { PeerAddress } from '../../common/peer-address.ts'
import { nameBytes } from './addresses.ts'
import { numericScope, scopeName } from './scope.ts'

const { Family: FAMILY, Port: PORT, Address: ADDRESS, Scope: SCOPE } = Peer

/** The form of the peers of one kind of socket in a slab. */
export interface PeerForm {
  /** Number of bytes before the bytes of a datagram. */
  readonly bytes: number
  read(slab: Int32Array, word: number): DatagramAddress
  write(slab: Int32Array, word: number, to: DatagramAddress | undefined): void
}

abstract class NativePeer extends PeerAddress {
  abstract write(slab: Int32Array, word: number): void
}

class Peer4 extends NativePeer {
  readonly #port: number
  readonly #bits: number

  constructor(port: number, bits: number) {
    super()
    this.#port = port
    this.#bits = bits
  }

  override write(slab: Int32Array, word: number): void {
    slab[word + FAMILY] = 4
    slab[word + PORT] = this.#port
    slab[word + ADDRESS] = this.#bits
  }

  protected override decode(): SocketAddress {
    return { address: bytesOf(Int32Array.of(this.#bits)).join('.'), port: this.#port, family: 'IPv4' }
  }
}

class Peer6 extends NativePeer {
  readonly #words: Int32Array

  constructor(words: Int32Array) {
    super()
    this.#words = words
  }

  override write(slab: Int32Array, word: number): void {
    slab.set(this.#words, word)
  }

  protected override decode(): SocketAddress {
    const bytes = bytesOf(this.#words.subarray(ADDRESS, SCOPE))
    const parts = Array.from({ length: 8 }, (_, part) => ((bytes[2 * part]! << 8) | bytes[2 * part + 1]!).toString(16))
    const { address } = new Parsed({ address: parts.join(':'), family: 'ipv6' })
    const scope = this.#words[SCOPE]!
    return {
      address: scope === 0 ? address : `${address}%${scopeName(scope)}`,
      port: this.#words[PORT]!,
      family: 'IPv6',
    }
  }
}

/** The peers of one UDP socket. */
export class IpPeers implements PeerForm {
  readonly bytes = IP_PEER_BYTES
  /** The last target that was not a received peer, and its words. Callers often pass the same object again. */
  #target: DatagramAddress | undefined
  #peer: NativePeer | undefined

  read(slab: Int32Array, word: number): DatagramAddress {
    return peerAt(slab, word)
  }

  write(slab: Int32Array, word: number, to: DatagramAddress | undefined): void {
    if (to === undefined) slab[word + FAMILY] = 0
    else if (to instanceof NativePeer) to.write(slab, word)
    else this.#peerOf(to as SocketAddress).write(slab, word)
  }

  #peerOf(target: SocketAddress): NativePeer {
    if (this.#peer !== undefined && this.#target === target) return this.#peer
    const bytes = loadBinding().ipPeer(numericScope(target.address), target.port)
    const words = new Int32Array(IP_PEER_BYTES / 4)
    bytesOf(words).set(bytes)
    this.#target = target
    return (this.#peer = peerAt(words, 0))
  }
}

/** The peers of one UNIX datagram socket. */
export class UnixPeers implements PeerForm {
  readonly bytes = UNIX_PEER_BYTES
  /** The last sender. There are few senders, and decoding a name is expensive. */
  #name: Buffer = Buffer.alloc(0)
  #from: string | Buffer = ''

  read(slab: Int32Array, word: number): DatagramAddress {
    const name = bytesOf(slab.subarray(word + ADDRESS)).subarray(0, slab[word])
    if (!this.#name.equals(name)) {
      this.#name = Buffer.from(name)
      const text = this.#name.toString()
      this.#from = this.#name.equals(Buffer.from(text)) ? text : this.#name
    }
    return this.#from
  }

  write(slab: Int32Array, word: number, to: DatagramAddress | undefined): void {
    if (to === undefined) {
      slab[word] = NO_PEER
      return
    }
    const name = nameBytes(to as string | Buffer)
    slab[word] = name.length
    bytesOf(slab.subarray(word + ADDRESS)).set(name)
  }
}

function peerAt(slab: Int32Array, word: number): NativePeer {
  if (slab[word + FAMILY] === 4) return new Peer4(slab[word + PORT]!, slab[word + ADDRESS]!)
  return new Peer6(slab.slice(word, word + IP_PEER_BYTES / 4))
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}
