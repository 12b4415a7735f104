/** Which signals there are, and which of them a process may catch. */
import { constants } from 'node:os'
import { invalidArgType, outOfRange } from '../common/validate.ts'

/** The two that cannot be caught: Node would throw out of the middle of an installation. */
const UNCATCHABLE: readonly string[] = ['SIGKILL', 'SIGSTOP']

/** The name of a signal that can be caught, of a name or a number. @throws RangeError for any other */
export function toCatchable(name: string, signal: unknown): NodeJS.Signals {
  const found = toSignalName(name, signal, 'a signal that can be caught')
  if (UNCATCHABLE.includes(found)) throw outOfRange(name, 'a signal that can be caught', signal)
  return found
}

/** The name of a signal, of a name or a number. @throws RangeError where this system has no such signal */
export function toSignalName(
  name: string,
  signal: unknown,
  expected = 'the name or number of a signal',
): NodeJS.Signals {
  if (typeof signal === 'string') {
    if (Object.hasOwn(constants.signals, signal)) return signal as NodeJS.Signals
  } else if (typeof signal === 'number') {
    // Of names that share a number (SIGABRT, SIGIOT) the usual one comes first.
    for (const [found, number] of Object.entries(constants.signals))
      if (number === signal) return found as NodeJS.Signals
  } else throw invalidArgType(name, 'the name or number of a signal', signal)
  throw outOfRange(name, expected, signal)
}

/** Minus this is a return code. */
export function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal]
}
