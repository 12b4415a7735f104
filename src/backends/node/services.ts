/** Services by name. Node cannot look them up, so this file reads the system's list, as the C library does. */
import { readFile } from 'node:fs'
import { join } from 'node:path'
import type { SocketType } from '../contract/backend.ts'

export interface Services {
  /** The port of a service, by its name or an alias. */
  portOf(this: void, service: string, type: SocketType): number | undefined
  nameOf(this: void, port: number, type: SocketType): string | undefined
}

/** Reads the file. The list is empty if it is not `needed`, or if there is no file. */
export function loadServices(needed: boolean, done: (services: Services) => void): void {
  if (!needed) return done(parse(''))
  readFile(process.platform === 'win32' ? WINDOWS : UNIX, 'latin1', (_error, text) => done(parse(text ?? '')))
}

const UNIX = '/etc/services'
const WINDOWS = join(process.env['SystemRoot'] ?? '', 'System32', 'drivers', 'etc', 'services')

const PROTOCOLS: Readonly<Record<SocketType, string>> = { stream: 'tcp', dgram: 'udp', raw: 'raw' }

/** Lines of `name port/protocol other names # comment`. */
function parse(text: string): Services {
  const ports = new Map<string, number>()
  const names = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [name, where, ...others] = line.replace(/#.*/, '').trim().split(/\s+/)
    const [, port, protocol] = /^(\d+)\/(\w+)$/.exec(where ?? '') ?? []
    if (name === undefined || port === undefined || protocol === undefined) continue
    // The first entry counts, as in the C library.
    for (const each of [name, ...others]) if (!ports.has(`${each}/${protocol}`)) ports.set(`${each}/${protocol}`, +port)
    if (!names.has(`${+port}/${protocol}`)) names.set(`${+port}/${protocol}`, name)
  }
  return {
    portOf: (service, type) => ports.get(`${service}/${PROTOCOLS[type]}`),
    nameOf: (port, type) => names.get(`${port}/${PROTOCOLS[type]}`),
  }
}
