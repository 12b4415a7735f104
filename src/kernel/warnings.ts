/**
 * The process warnings of the library: one table, and the one function that emits them.
 *
 * 1. Every warning has a code of its own, so that a program can tell it apart and silence it.
 * 2. A warning appears once for each *place*: a text that its caller makes of names (task, scope, operation). Numbers
 *    in it do not count, so that the size of the program bounds the log, not its traffic (OBSERVE-3).
 * 3. A warning says what happened, what to do about it, and how to silence it.
 * 4. Nothing here is called on a hot path.
 *
 * `docs/guide/errors.md` shows this table; a test compares the two.
 */
import { detached } from './detached.ts'

/** When a warning appears and what to do about it. */
export interface WarningInfo {
  /** One sentence: the condition. */
  readonly when: string
  /** One sentence or two, at the end of the warning's text: the ways out. */
  readonly remedy: string
}

export const WARNINGS = {
  STRUCTIO_SWALLOWED: {
    when: 'A task has caught 1,000 cancellations of one scope and waits again and again.',
    remedy: 'Let `Cancelled` pass: `catch (error) { if (isCancelled(error)) throw error; … }`.',
  },
  STRUCTIO_OVERDUE: {
    when:
      'A scope was cancelled `overdueAfter` milliseconds ago, and its body waits for something that ' +
      'the library cannot cancel.',
    remedy:
      'Pass `scope.signal` to what the body waits for, wrap its promise in `abandonOnCancel`, ' +
      'or give the scope `abandon: true`.',
  },
  STRUCTIO_LEFT_BEHIND: {
    when:
      'A call that was not awaited was cancelled, or refused, because its scope or task had ended or ' +
      'was cancelled.',
    remedy: 'Await the call, or give it a task of its own with `tg.spawn`.',
  },
  STRUCTIO_HANDLER_FAILED: {
    when: 'A connection handler of a server without `onError` failed, and not because of its peer.',
    remedy: 'Handle the error in the handler, or give the server an `onError`.',
  },
  STRUCTIO_LEFT_OPEN: {
    when: 'A resource was still open when its `run` ended.',
    remedy: 'Close it: `await using`, `finalize`, or `close()` in `finally`.',
  },
  STRUCTIO_ACCEPT_RETRY: {
    when:
      'A server cannot accept connections, because the process or the system has run out of ' +
      'descriptors or memory.',
    remedy: 'Raise the limit of open files, or bound the connections with `maxConnections`.',
  },
  STRUCTIO_NODE_BACKEND: {
    when: 'The native binary does not load, and `run` uses the `node` backend.',
    remedy: "Install the platform's package, or choose with `backend: 'node'`.",
  },
  STRUCTIO_THREAD_DIED: {
    when: 'A worker thread died of an error that a finished function had left running in it.',
    remedy: 'Let the function end what it began before it returns.',
  },
  STRUCTIO_KEY_LOG: {
    when: 'The file of a TLS key log cannot be written any more; connections go on without it.',
    remedy: 'Make room or permissions for the file, or leave out `keyLog`.',
  },
} as const satisfies Record<string, WarningInfo>

export type WarningCode = keyof typeof WARNINGS

/**
 * Emits a process warning, once for each code and place.
 *
 * @param names - the place (2), together with `site`; empty if the process has one place
 * @param site - a line of code, if one is known: its numbers count
 * @param text - the event, without a full stop at the end
 * @param detail - a stack, printed below the text
 */
export function warnOnce(code: WarningCode, names: string, text: string, detail?: string, site = ''): void {
  const known = (places[code] ??= new Set())
  // Ports, identifiers and the like.
  const key = `${names.replace(/\d+/g, '#')}\n${site}`
  if (known.has(key) || known.size >= MOST_PLACES) return
  known.add(key)
  warn(code, text, detail)
}

/** Emits the warning each time: for events that do not repeat. */
export function warn(code: WarningCode, text: string, detail?: string): void {
  const message = `${text}. ${WARNINGS[code].remedy} (To silence: node --disable-warning=${code})`
  // Detached: listeners of 'warning' are not part of the task that the warning is about.
  detached(emit, message, { type: 'StructioWarning', code, ...(detail === undefined ? {} : { detail }) })
}

function emit(message: string, options: { type: string; code: string; detail?: string }): void {
  process.emitWarning(message, options)
}

/** Bounds the memory of a program with generated names. */
const MOST_PLACES = 1000

const places: Partial<Record<WarningCode, Set<string>>> = {}
