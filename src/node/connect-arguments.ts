/** The forms of the arguments of `net.Socket.connect`. */
import type { LookupFunction } from 'node:net'
import { familyOf } from '../common/addresses.ts'
import { checkHost, checkPort } from '../common/opening.ts'
import { checkFunction, invalidArgType } from '../common/validate.ts'
import type { LookUp } from './own-lookup.ts'

/** The arguments that have an effect here. Others are refused or ignored. */
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
  // As net: a numeric string is a port, any other string is the path of a UNIX socket.
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
    // Off by default in net, on by default here.
    ...(noDelay === undefined ? {} : { noDelay: Boolean(noDelay) }),
    ...(keepAlive === undefined ? {} : { keepAlive: Boolean(keepAlive) }),
    // As net: an address is not looked up.
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
