/** The error for a value that cannot be sent names the part that cannot be cloned. */
import { MessageChannel } from 'node:worker_threads'
import test from 'ava'
import {
  argumentNotCloneable,
  isCloneFailure,
  notCloneable,
  TO_PROCESS,
  TO_THREAD,
} from '../../../src/threads/cloning.ts'

class Job {
  readonly run = (): number => 1
}

const { port1 } = new MessageChannel()
port1.close()

const moved = new Uint8Array(8)
structuredClone(moved, { transfer: [moved.buffer] })

const CASES: Record<string, readonly [value: unknown, says: RegExp]> = {
  'a function': [() => 1, /: it is a function\. .*options\.expose/],
  'a nested function': [{ options: { onDone() {} } }, /: its "options\.onDone" is the function "onDone"\. /],
  'a class': [Job, /: it is the class "Job"\. A class is never sent/],
  'a symbol in an array': [[1, { tag: Symbol('tag') }], /: its "\[1\]\.tag" is a symbol\. Send a string/],
  'a field of an instance': [new Job(), /: its "run" is the function "run"\. /],
  'a value of a map': [
    new Map([['key', new WeakMap()]]),
    /: its "\[key\]" is an instance of WeakMap, which cannot be cloned\. /,
  ],
  'a promise': [{ pages: [Promise.resolve()] }, /: its "pages\[0\]" is a promise\. Await it here/],
  'a proxy': [new Proxy({}, {}), /: it is a Proxy\. /],
  'a message port': [{ port: port1 }, /: its "port" is an instance of MessagePort, .*\. Name it in options\.transfer/],
  'a buffer that was moved': [{ moved }, /: its "moved" is a buffer whose memory has been moved away\. /],
}

for (const [name, [value, says]] of Object.entries(CASES)) {
  test(`${name} among the arguments is named, with its place and a remedy`, (t) => {
    const cause = t.throws(() => structuredClone([1, value]), { any: true }) as Error
    t.true(isCloneFailure(cause))
    const error = argumentNotCloneable('"work"', [1, value], cause, TO_THREAD)
    t.is(error.name, 'DataCloneError')
    t.regex(error.message, /^argument 2 of "work" cannot be sent to another thread: /)
    t.regex(error.message, says)
  })
}

test('what is moved is not at fault', (t) => {
  const cause = new Error('from the port')
  const args = [{ port: port1, done() {} }]
  t.regex(argumentNotCloneable('f', args, cause, TO_THREAD, [port1]).message, /its "done" is the function "done"/)
  const message = 'the arguments of f cannot be sent to another thread: from the port'
  t.is(argumentNotCloneable('f', [{ port: port1 }], cause, TO_THREAD, [port1]).message, message)
})

test('a process shares no memory, and its text names the process', (t) => {
  const text = notCloneable('what the function returned', { a: new SharedArrayBuffer(1) }, TO_PROCESS).message
  t.regex(text, /^what the function returned cannot be sent to another process: its "a" is shared memory\. /)
})

test('a cycle, a getter that throws and a value of many levels end the search', (t) => {
  const cycle: { self?: unknown; last?: unknown } = {}
  cycle.self = cycle
  cycle.last = Symbol('x')
  t.regex(notCloneable('it', cycle).message, /its "last" is a symbol/)
  const odd = {
    get a(): never {
      throw new Error('of the getter')
    },
  }
  t.regex(notCloneable('it', odd).message, /it is an instance of Object, which cannot be cloned/)
  let deep: unknown = Symbol('x')
  for (let level = 0; level < 1000; level++) deep = { deep }
  t.regex(notCloneable('it', deep).message, /cannot be sent/)
})
