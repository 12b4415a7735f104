/** `receiveSignals`. */
import { finalize } from './finalize.ts'
import { enterOperation, requireFrame } from './kernel/context.ts'
import { rejected } from './kernel/operation.ts'
import { traceOpening } from './kernel/resources.ts'
import { requireMainThread } from './signals/listeners.ts'
import { toCatchable } from './signals/names.ts'
import { SIGNAL_RECEIVER, SignalReceiver } from './signals/receiver.ts'
import { inOneScope } from './streams/opening.ts'
import { outOfRange } from './validate.ts'

/**
 * Receives signals of the process, by name or number, from now on until it is closed: an iterable over their names, in the
 * order in which they come. Re-creates `receive_signals`.
 *
 * While it is open the process's other listeners of these signals are detached; they are put back in order when the last receiver of
 * the signal closes. A signal that nobody was told of by then is handed on to them, or to the default action.
 *
 * @throws RangeError without any signal, and for one that this system does not have or nobody can catch; UnsupportedError in
 * a worker; NotRunningError outside of every task. Nothing has been changed then.
 */
export function receiveSignals(...signals: readonly (NodeJS.Signals | number)[]): SignalReceiver
/** Runs `body` while the receiver is open, and closes it however the body ends. Errors are rejections. */
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

/** Each once, by name. */
function checkSignals(args: readonly unknown[]): readonly NodeJS.Signals[] {
  if (args.length === 0) throw outOfRange('signals', 'at least one signal', undefined)
  const signals = args.map((signal, index) => toCatchable(`signals[${index}]`, signal))
  requireMainThread('receiveSignals works')
  return [...new Set(signals)]
}
