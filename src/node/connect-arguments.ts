/** The many forms in which `net.Socket` lets itself be told where to connect to. */
import type { LookupFunction } from 'node:net'
import { familyOf } from '../streams/addresses.ts'
import { checkHost, checkPort } from '../streams/opening.ts'
import { checkFunction, invalidArgType } from '../validate.ts'
import type { LookUp } from './own-lookup.ts'

/** What of it this library does: everything else is refused, or of no consequence. */
export type ConnectTarget =
  | {
      readonly host: string
      readonly port: number
      readonly bindHost?: string
      readonly bindPort?: number
      readonly noDelay?: boolean
      readonly keepAlive?: boolean
      readonly lookUp?: LookUp
    }
  | { readonly path: string }

export function toTarget(given: readonly unknown[]): { target: ConnectTarget; listener: (() => void) | undefined } {
  const rest = [...given]
  const last = rest.at(-1)
  const listener = typeof last === 'function' ? (rest.pop() as () => void) : undefined
  const [first, second] = rest
  return { target: typeof first === 'object' && first !== null ? ofOptions(first) : ofValues(first, second), listener }
}

function ofValues(first: unknown, second: unknown): ConnectTarget {
  // net takes a port as text, too; anything else that is text is the path of a UNIX socket.
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { path: first }
  return ofOptions({ port: first, host: second ?? undefined })
}

function ofOptions(options: object): ConnectTarget {
  const given = options as Given
  const { path, port, host = 'localhost', localAddress, localPort, noDelay, keepAlive, lookup } = given
  if (lookup !== undefined) checkFunction('options.lookup', lookup)
  if (path !== undefined && path !== null) {
    if (typeof path !== 'string') throw invalidArgType('options.path', 'of type string', path)
    return { path }
  }
  const number = typeof port === 'string' ? Number(port) : port
  checkPort('options.port', number)
  checkHost('options.host', host)
  return {
    host,
    port: number as number,
    ...(localAddress === undefined ? {} : { bindHost: localAddress as string }),
    ...(localPort === undefined ? {} : { bindPort: localPort as number }),
    // net's default is off; here it is on, and a client that cares says so.
    ...(noDelay === undefined ? {} : { noDelay: Boolean(noDelay) }),
    ...(keepAlive === undefined ? {} : { keepAlive: Boolean(keepAlive) }),
    // As net has it, an address is not looked up.
    ...(lookup === undefined || familyOf(host) !== 0
      ? {}
      : { lookUp: { lookup: lookup as LookupFunction, ...hints(given) } }),
  }
}

function hints({ family, hints: flags }: Given): { family: 0 | 4 | 6; hints: number } {
  return { family: family === 4 || family === 6 ? family : 0, hints: typeof flags === 'number' ? flags : 0 }
}

type Given = Readonly<
  Record<
    'path' | 'port' | 'host' | 'localAddress' | 'localPort' | 'noDelay' | 'keepAlive' | 'lookup' | 'family' | 'hints',
    unknown
  >
>
