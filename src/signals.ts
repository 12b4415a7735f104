/** `receiveSignals`. */
import { finalize } from './finalize.ts'
import { enterOperation, rejected, requireFrame, traceOpening } from './kernel/index.ts'
import { requireMainThread } from './signals/listeners.ts'
import { toCatchable } from './signals/names.ts'
import { SIGNAL_RECEIVER, SignalReceiver } from './signals/receiver.ts'
import { inOneScope } from './common/opening.ts'
import { outOfRange } from './common/validate.ts'

/**
 * Receives signals of the process, by name or number, until the receiver is closed. The receiver iterates over the
 * names of the signals, in the order in which they come.
 *
 * While it is open, other listeners of these signals are detached. They are put back in order when the last receiver of
 * the signal closes. A signal that no receiver has returned by then goes on to them, or to the default action.
 *
 * @throws RangeError without any signal, for a signal that this system does not have, and for one that cannot be
 * caught; UnsupportedError in a worker; NotRunningError outside a task. Nothing has been changed then.
 *
 * @example
 * ```ts
 * await using signals = receiveSignals('SIGHUP', 'SIGTERM')
 * for await (const signal of signals) {
 *   if (signal === 'SIGTERM') break
 *   await reloadConfiguration()
 * }
 * ```
 */
export function receiveSignals(...signals: readonly (NodeJS.Signals | number)[]): SignalReceiver
/** Runs `body` with an open receiver and closes it when the body ends, with or without an error. */
export function receiveSignals<T>(
  ...args: [...signals: readonly (NodeJS.Signals | number)[], body: (signals: SignalReceiver) => T | PromiseLike<T>]
): Promise<T>
export function receiveSignals(...args: unknown[]): unknown {
  const body = args.at(-1)
  if (typeof body === 'function') return receiveAround(args.slice(0, -1), body as Body)
  const signals = checkSignals(args)
  const frame = requireFrame('receiveSignals')
  return new SignalReceiver(signals, frame, traceOpening(frame, SIGNAL_RECEIVER))
}

type Body = (signals: SignalReceiver) => unknown

function receiveAround(args: readonly unknown[], body: Body): Promise<unknown> {
  let signals: readonly NodeJS.Signals[]
  try {
    signals = checkSignals(args)
  } catch (error) {
    return rejected(error)
  }
  return inOneScope('receiveSignals', SIGNAL_RECEIVER, async ({ frame, made }) => {
    enterOperation('receiveSignals')
    return finalize(new SignalReceiver(signals, frame, made), body)
  })
}

/** The signals by name, without duplicates. */
function checkSignals(args: readonly unknown[]): readonly NodeJS.Signals[] {
  if (args.length === 0) throw outOfRange('signals', 'at least one signal', undefined)
  const signals = args.map((signal, index) => toCatchable(`signals[${index}]`, signal))
  requireMainThread('receiveSignals works')
  return [...new Set(signals)]
}
