/**
 * UNIX sockets: names that belong to a host, and pass between its tasks only. There are no files behind them, so
 * nothing has permissions; a name whose owner crashed is stale, and is replaced. Nothing of it is in the record of the
 * network.
 */
import * as buffer from 'node:buffer'
import type {
  Abandon,
  Answer,
  DatagramAddress,
  DatagramTransport,
  ListenerTransport,
  StreamTransport,
  UnixDatagramOptions,
  UnixListenOptions,
  UnixPath,
} from '../contract/backend.ts'
import { VirtualDatagram } from './datagram.ts'
import { answerSoon } from './answers.ts'
import { type Code, systemError } from './errors.ts'
import type { Fabric } from './fabric.ts'
import { VirtualListener } from './listener.ts'
import { type Machine, machineHere, type Socket } from './machine.ts'
import { SocketOptions } from './socket-options.ts'
import { connectEnds } from './stream.ts'
import { StreamDirection } from './stream-direction.ts'

/**
 * How many datagrams wait at a name before its senders do (`net.unix.max_dgram_qlen`, and the one that is looked at).
 */
const MOST_KEPT = 11

/** The largest datagram: what fits Linux's default send buffer. */
const LARGEST = 212_960

export function connectUnix(fabric: Fabric, path: UnixPath, answer: Answer<StreamTransport>): Abandon {
  const machine = machineHere(fabric)
  return answerSoon(fabric, answer, () => connect(machine, path))
}

export function listenUnix(
  fabric: Fabric,
  { path, backlog }: UnixListenOptions,
  answer: Answer<ListenerTransport>,
): Abandon {
  const machine = machineHere(fabric)
  return answerSoon(fabric, answer, () => {
    if (isTaken(machine, path)) throw systemError('EADDRINUSE', 'listen', { address: textOf(path) })
    return new UnixListener(machine, path, backlog)
  })
}

export function openUnixDatagram(
  fabric: Fabric,
  { path, remotePath }: UnixDatagramOptions,
  answer: Answer<DatagramTransport>,
): Abandon {
  const machine = machineHere(fabric)
  return answerSoon(fabric, answer, () => {
    if (path !== undefined && isTaken(machine, path)) throw systemError('EADDRINUSE', 'bind', { address: textOf(path) })
    const connected = remotePath === undefined ? undefined : findDatagram(machine, remotePath, 'connect')
    return new UnixDatagram(machine, path, remotePath, connected)
  })
}

/** The owners of the names of a host. A name of bytes is kept as Latin-1, which keeps every byte. */
const names = new WeakMap<Machine, Map<string, UnixListener | UnixDatagram>>()

function namesOf(machine: Machine): Map<string, UnixListener | UnixDatagram> {
  const known = names.get(machine) ?? new Map<string, UnixListener | UnixDatagram>()
  names.set(machine, known)
  return known
}

function keyOf(path: UnixPath): string {
  return Buffer.from(path as string).toString('latin1')
}

function textOf(path: UnixPath): string {
  return path.toString()
}

function isTaken(machine: Machine, path: UnixPath): boolean {
  const owner = namesOf(machine).get(keyOf(path))
  return owner !== undefined && !owner.gone
}

function release(machine: Machine, path: UnixPath | undefined, owner: Socket): void {
  if (path !== undefined && namesOf(machine).get(keyOf(path)) === owner) namesOf(machine).delete(keyOf(path))
}

function connect(machine: Machine, path: UnixPath): StreamTransport {
  const address = textOf(path)
  const refuse = (code: Code): Error => systemError(code, 'connect', { address })
  const listener = namesOf(machine).get(keyOf(path))
  if (listener === undefined) throw refuse(missing(path))
  if (listener.gone) throw refuse('ECONNREFUSED')
  if (!(listener instanceof UnixListener)) throw refuse('EPROTOTYPE')
  if (listener.full) throw refuse('EAGAIN')
  const end = { machine, options: listener.options.copy(), closed: () => {} }
  const [client, server] = connectEnds(
    { ...end, direction: new StreamDirection(machine, machine, undefined), localAddress: '', remoteAddress: address },
    { ...end, direction: new StreamDirection(machine, machine, undefined), localAddress: address, remoteAddress: '' },
  )
  listener.greet(server)
  client.open = true
  client.sendFirst(() => listener.established(server))
  return client
}

/** No file, where there would be one. */
function missing(path: UnixPath): Code {
  return textOf(path).startsWith('\0') ? 'ECONNREFUSED' : 'ENOENT'
}

function findDatagram(machine: Machine, path: UnixPath, syscall: string): UnixDatagram {
  const address = textOf(path)
  const owner = namesOf(machine).get(keyOf(path))
  if (owner === undefined) throw systemError(missing(path), syscall, { address })
  if (owner.gone) throw systemError('ECONNREFUSED', syscall, { address })
  if (!(owner instanceof UnixDatagram)) throw systemError('EPROTOTYPE', syscall, { address })
  return owner
}

class UnixListener extends VirtualListener {
  readonly address: string
  readonly #path: UnixPath

  constructor(machine: Machine, path: UnixPath, backlog: number) {
    super(machine, backlog, new SocketOptions())
    this.#path = path
    this.address = textOf(path)
    namesOf(machine).set(keyOf(path), this)
  }

  protected override unbind(): void {
    release(this.machine, this.#path, this)
  }
}

/** What a blocked send has not sent yet. */
interface Rest {
  readonly data: readonly Buffer[]
  readonly to: readonly (DatagramAddress | undefined)[]
  next: number
}

class UnixDatagram extends VirtualDatagram {
  readonly localAddress: string
  readonly remoteAddress: string | Buffer | undefined
  readonly family = 0
  readonly #path: UnixPath | undefined
  /** The own name, as others get it. */
  readonly #from: string | Buffer
  #rest: Rest | undefined
  /** A socket and not a name, because another socket may get the name later. */
  readonly #connected: UnixDatagram | undefined
  /** Under way to here, in this very moment. */
  #coming = 0
  /** Those who wait for room here. */
  readonly #blocked = new Set<UnixDatagram>()

  constructor(
    machine: Machine,
    path: UnixPath | undefined,
    remotePath: UnixPath | undefined,
    connected: UnixDatagram | undefined,
  ) {
    super(machine)
    this.#path = path
    this.localAddress = path === undefined ? '' : textOf(path)
    this.#from = typeof path === 'object' && !buffer.isUtf8(path) ? path : this.localAddress
    this.remoteAddress = remotePath
    this.#connected = connected
    if (path !== undefined) namesOf(machine).set(keyOf(path), this)
  }

  sendMany(data: readonly Uint8Array[], to: readonly (DatagramAddress | undefined)[]): boolean {
    const rest = { data: data.map((bytes) => Buffer.from(bytes)), to, next: 0 }
    if (this.gone || this.#pushAll(rest)) return true
    this.#rest = rest
    return false
  }

  cancelSend(): void {
    this.#rest = undefined
  }

  protected override taken(): void {
    this.#wakeSenders()
  }

  protected override unbind(): void {
    release(this.machine, this.#path, this)
    this.#wakeSenders()
  }

  #wakeSenders(): void {
    const blocked = [...this.#blocked]
    this.#blocked.clear()
    for (const sender of blocked) this.machine.fabric.timeline.soon(sender.#goOn)
  }

  readonly #goOn = (): void => {
    const rest = this.#rest
    if (rest === undefined) return
    let error: Error | undefined
    try {
      if (!this.#pushAll(rest)) return
    } catch (failure) {
      error = failure as Error
    }
    this.#rest = undefined
    this.sink.sendSettled(error)
  }

  /** False if a receiver has no room. @throws the error of the first failure */
  #pushAll(rest: Rest): boolean {
    for (; rest.next < rest.data.length; rest.next++) {
      const to = (rest.to[rest.next] ?? this.remoteAddress) as string | Buffer | undefined
      if (to === undefined) throw systemError('ENOTCONN', 'send')
      const bytes = rest.data[rest.next] as Buffer
      if (bytes.length > LARGEST) throw systemError('EMSGSIZE', 'send', { address: textOf(to) })
      const owner = rest.to[rest.next] === undefined ? this.#peer(textOf(to)) : findDatagram(this.machine, to, 'send')
      if (!owner.#hears(this)) throw systemError('EPERM', 'send', { address: textOf(to) })
      if (owner.kept + owner.#coming >= MOST_KEPT) {
        owner.#blocked.add(this)
        return false
      }
      owner.#deliver(bytes, this.#from)
    }
    return true
  }

  #peer(address: string): UnixDatagram {
    if (this.#connected === undefined || this.#connected.gone) throw systemError('ECONNREFUSED', 'send', { address })
    return this.#connected
  }

  #deliver(bytes: Buffer, from: string | Buffer): void {
    this.#coming++
    this.machine.fabric.timeline.soon(() => {
      this.#coming--
      this.arrived(bytes, from)
    })
  }

  /** A connected socket accepts datagrams of its peer only. */
  #hears(sender: UnixDatagram): boolean {
    const peer = this.remoteAddress
    return peer === undefined || (sender.#path !== undefined && keyOf(sender.#path) === keyOf(peer))
  }
}
