/** Addresses of the addon: Node's form for TCP and UDP, and the bytes of the name for UNIX sockets. */
import type { BindingAddress } from '../../native/load.ts'
import type { Address, SocketAddress, UnixPath } from '../contract/backend.ts'

/** A socket that cannot report its address has none. */
export function toAddress(found: BindingAddress | Buffer | null): Address {
  if (found === null) return GONE
  return Buffer.isBuffer(found) ? found.toString() : (found as SocketAddress)
}

export function nameBytes(path: UnixPath): Buffer {
  return typeof path === 'string' ? Buffer.from(path) : path
}

const GONE: SocketAddress = Object.freeze({ address: '', port: 0, family: 'IPv4' })
