/** What becomes of the error of a connection handler that its server does not end with. */

import { channel } from 'node:diagnostics_channel'
import {
  BrokenResourceError,
  ClosedResourceError,
  ConnectionFailed,
  DelimiterNotFound,
  IncompleteRead,
  TLSError,
} from '../errors.ts'
import { ownLine, warnOnce } from '../kernel/index.ts'
import { everyLeaf } from './connection-errors.ts'
import type { SocketStream } from './socket-stream.ts'

/**
 * Publishes the error on `structio:connection-error`. The process is warned of what no peer can bring about: once for
 * each place, so that traffic cannot fill a log.
 *
 * @param where - handler and server, for people
 */
export function handlerFailed(error: unknown, stream: SocketStream, where: string): void {
  publishConnectionError(error, stream)
  if (isPeersDoing(error)) return
  const stack = error instanceof Error ? error.stack : undefined
  // Not the message: that may hold what the peer has sent.
  const kind = error instanceof Error ? error.name : typeof error
  warnOnce('STRUCTIO_HANDLER_FAILED', `${where}\n${kind}`, `${where} failed: ${textOf(error)}`, stack, ownLine(stack))
}

export function publishConnectionError(error: unknown, stream: SocketStream): void {
  if (connectionErrors.hasSubscribers) connectionErrors.publish({ error, stream })
}

/** Whether the channel has a subscriber. */
export function watchesConnectionErrors(): boolean {
  return connectionErrors.hasSubscribers
}

/**
 * Whether a peer can bring the error about, by what it sends or by going away: the one that is served, or one that the
 * handler talks to.
 */
export function isPeersDoing(error: unknown): boolean {
  return everyLeaf(error, (leaf) => KINDS.some((kind) => leaf instanceof kind) || isSystemErrorOfStream(leaf))
}

function isSystemErrorOfStream(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (typeof code !== 'string' || typeof syscall !== 'string') return false
  // Files are read and written, too: their errors have other codes.
  return CONNECTING.has(syscall) || (STREAMING.has(syscall) && CODES.has(code))
}

function textOf(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'it threw what has no text'
  }
}

const KINDS = [
  BrokenResourceError,
  ClosedResourceError,
  IncompleteRead,
  DelimiterNotFound,
  TLSError,
  ConnectionFailed,
] as const

const CONNECTING = new Set(['connect', 'getaddrinfo'])
const STREAMING = new Set(['read', 'write', 'shutdown', 'recv', 'send', 'recvmsg', 'sendmsg', 'writev', 'readv'])
const CODES = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOTCONN',
  'EPIPE',
  'ETIMEDOUT',
])

const connectionErrors = channel('structio:connection-error')
