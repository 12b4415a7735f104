/** The socket options of node:net, by the names and numbers of this platform. */
import type { Socket } from 'node:net'
import { UnsupportedError } from '../../errors.ts'

/** The values that were last set, because node:net cannot read them. */
export interface OptionState {
  noDelay: boolean
  keepAlive: boolean
}

/** @param state - `undefined` for a UNIX socket, which has none of these options */
export function getOption(state: OptionState | undefined, level: number | string, name: number | string): number {
  return Number(requireState(state)[optionOf(level, name)])
}

export function setOption(
  socket: Socket,
  state: OptionState | undefined,
  level: number | string,
  name: number | string,
  value: number | boolean,
): void {
  const options = requireState(state)
  const option = optionOf(level, name)
  const on = Boolean(value)
  if (option === 'noDelay') socket.setNoDelay(on)
  else socket.setKeepAlive(on)
  options[option] = on
}

function requireState(state: OptionState | undefined): OptionState {
  if (state === undefined)
    throw new UnsupportedError('node:net offers no options of a UNIX socket; the native backend does')
  return state
}

function optionOf(level: number | string, name: number | string): keyof OptionState {
  if ((level === 'IPPROTO_TCP' || level === IPPROTO_TCP) && (name === 'TCP_NODELAY' || name === TCP_NODELAY))
    return 'noDelay'
  if ((level === 'SOL_SOCKET' || level === SOL_SOCKET) && (name === 'SO_KEEPALIVE' || name === SO_KEEPALIVE))
    return 'keepAlive'
  const text = `node:net offers no socket option ${level}/${name}, only TCP_NODELAY and SO_KEEPALIVE; the native backend offers all`
  throw new UnsupportedError(text)
}

const IPPROTO_TCP = 6
const TCP_NODELAY = 1
const SOL_SOCKET = process.platform === 'linux' ? 1 : 0xffff
const SO_KEEPALIVE = process.platform === 'linux' ? 9 : 8
