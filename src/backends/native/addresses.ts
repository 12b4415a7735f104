/** Addresses as they cross the addon: of TCP and UDP in Node's form, of UNIX sockets the bytes of their name. */
import type { BindingAddress } from '../../native/load.ts'
import type { Address, SocketAddress, UnixPath } from '../contract/backend.ts'

/** A socket that can no longer tell has no address. */
export function toAddress(found: BindingAddress | Buffer | null): Address {
  if (found === null) return GONE
  return Buffer.isBuffer(found) ? found.toString() : (found as SocketAddress)
}

export function nameBytes(path: UnixPath): Buffer {
  return typeof path === 'string' ? Buffer.from(path) : path
}

const GONE: SocketAddress = Object.freeze({ address: '', port: 0, family: 'IPv4' })
