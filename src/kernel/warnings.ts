/**
 * The process warnings of the library: one table, and the one function that emits them.
 *
 * 1. Every warning has a code of its own, so that a program can tell it apart and silence it.
 * 2. A warning appears once for each *place*: a text that its caller makes of names (task, scope, operation). Numbers
 *    in it do not count, so that what is logged is bounded by the size of the program, not by its traffic.
 * 3. A warning says what happened, what to do about it, and how to silence it.
 * 4. Nothing here is called on a hot path: a caller finds out first that something is wrong.
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
    when: 'A scope was cancelled `overdueAfter` milliseconds ago, and its body waits for something that the library cannot cancel.',
    remedy:
      'Pass `scope.signal` to what the body waits for, wrap its promise in `abandonOnCancel`, ' +
      'or give the scope `abandon: true`.',
  },
  STRUCTIO_LEFT_BEHIND: {
    when: 'A call that was not awaited was cancelled, or refused, because its scope or task had ended or was cancelled.',
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
    when: 'A server cannot accept connections, because the process or the system has run out of descriptors or memory.',
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
 * Emits a process warning, unless there was one of this code for this place.
 *
 * @param names - with `site`, the place, see (2); empty where there is one place in the process
 * @param site - a line of code, where one is known: its numbers count
 * @param text - what happened, without a full stop at the end
 * @param detail - a stack, printed below
 */
export function warnOnce(code: WarningCode, names: string, text: string, detail?: string, site = ''): void {
  const known = (places[code] ??= new Set())
  // Ports, identifiers and the like.
  const key = `${names.replace(/\d+/g, '#')}\n${site}`
  if (known.has(key) || known.size >= MOST_PLACES) return
  known.add(key)
  warn(code, text, detail)
}

/** The same each time: for what does not happen again and again. */
export function warn(code: WarningCode, text: string, detail?: string): void {
  const message = `${text}. ${WARNINGS[code].remedy} (To silence: node --disable-warning=${code})`
  // Detached: listeners of 'warning' are not part of the task that the warning is about.
  detached(emit, message, { type: 'StructioWarning', code, ...(detail === undefined ? {} : { detail }) })
}

function emit(message: string, options: { type: string; code: string; detail?: string }): void {
  process.emitWarning(message, options)
}

/** A program that makes up names as it goes would fill the memory with places. */
const MOST_PLACES = 1000

const places: Partial<Record<WarningCode, Set<string>>> = {}
