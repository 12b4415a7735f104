/** The error classes of api.md §10, and what ExceptionGroup can do. */
import test from 'ava'
import * as errors from '../../../src/errors.ts'
import { ExceptionGroup } from '../../../src/errors.ts'

const CODES: Record<string, string> = {
  Cancelled: 'ERR_CANCELLED',
  TimeoutError: 'ERR_TIMEOUT',
  ExceptionGroup: 'ERR_EXCEPTION_GROUP',
  UsageError: 'ERR_USAGE',
  NotRunningError: 'ERR_NOT_RUNNING',
  RunFinishedError: 'ERR_RUN_FINISHED',
  BackendNotFoundError: 'ERR_BACKEND_NOT_FOUND',
  UnsupportedError: 'ERR_UNSUPPORTED',
  WouldBlock: 'ERR_WOULD_BLOCK',
  ClosedResourceError: 'ERR_CLOSED_RESOURCE',
  BrokenResourceError: 'ERR_BROKEN_RESOURCE',
  ResourceBusyError: 'ERR_RESOURCE_BUSY',
  IncompleteRead: 'ERR_INCOMPLETE_READ',
  DelimiterNotFound: 'ERR_DELIMITER_NOT_FOUND',
  EndOfStream: 'ERR_END_OF_STREAM',
  ConnectionFailed: 'ERR_CONNECTION_FAILED',
  TLSRequired: 'ERR_TLS_REQUIRED',
  TLSError: 'ERR_TLS',
  TLSEOFError: 'ERR_TLS_EOF',
  TaskFailed: 'ERR_TASK_FAILED',
  TaskCancelled: 'ERR_TASK_CANCELLED',
  CalledProcessError: 'ERR_CALLED_PROCESS',
}

const AGGREGATES = ['ExceptionGroup', 'ConnectionFailed']

type ErrorClass = new (first?: unknown, second?: unknown, third?: unknown) => Error & { code: string }

for (const [name, code] of Object.entries(CODES)) {
  test(`${name} extends Error, has its name and the code ${code}`, (t) => {
    const Class = (errors as unknown as Record<string, ErrorClass>)[name]!
    const aggregate = AGGREGATES.includes(name)
    const error = aggregate
      ? new Class([], 'text')
      : name === 'CalledProcessError'
        ? new Class('command', 1)
        : new Class('text')
    t.true(error instanceof Error)
    t.is(error instanceof AggregateError, aggregate)
    t.is(error.name, name)
    t.is(error.code, code)
    t.true(Object.hasOwn(error, 'code'), 'an own field, which crosses threads')
    t.regex(String(error.stack), new RegExp(`^${name}`))
    const own = name === 'TLSError' ? ['code', 'reason'] : ['code']
    t.deepEqual(
      Object.keys(error).filter((key) => !own.includes(key) && name !== 'CalledProcessError'),
      [],
    )
  })
}

test('there is no class without a row', (t) => {
  const classes = Object.keys(errors).filter((name) => /^[A-Z]/.test(name))
  t.deepEqual(classes.sort(), Object.keys(CODES).sort())
})

test('the hierarchy that catch blocks rely on', (t) => {
  t.true(new errors.NotRunningError() instanceof errors.UsageError)
  t.true(new errors.RunFinishedError() instanceof errors.UsageError)
  t.true(new errors.TLSEOFError() instanceof errors.BrokenResourceError)
})

test('a cause is kept', (t) => {
  const cause = new Error('cause')
  t.is(new errors.BrokenResourceError('text', { cause }).cause, cause)
  t.is(new errors.UsageError('text', { cause }).cause, cause)
})

test('a CalledProcessError says how the command ended', (t) => {
  const byCode = new errors.CalledProcessError(['make', 'all'], 2, Buffer.from('out'))
  t.is(byCode.message, '"make all" ended with exit code 2')
  t.is(byCode.returncode, 2)
  t.is(String(byCode.stdout), 'out')
  t.is(new errors.CalledProcessError('sleep 9', -15).message, '"sleep 9" ended with signal 15')
})

// ExceptionGroup

const first = new TypeError('first')
const second = new RangeError('second')
const third = new TypeError('third')

test('the message of a group shows the first leaf, and a given one is taken', (t) => {
  t.is(new ExceptionGroup([first]).message, 'TypeError: first')
  t.is(
    new ExceptionGroup([new ExceptionGroup([second]), first]).message,
    '2 errors, the first of them RangeError: second',
  )
  t.is(new ExceptionGroup([undefined]).message, 'undefined')
  t.is(new ExceptionGroup([Symbol('s')]).message, 'Symbol(s)')
  t.is(new ExceptionGroup([Object.create(null)]).message, 'an object without a text')
  t.is(new ExceptionGroup([]).message, 'no errors')
  t.is(new ExceptionGroup([first], 'given').message, 'given')
})

test('leaves are the errors that are no groups, depth first', (t) => {
  const failed = new errors.ConnectionFailed([first])
  const group = new ExceptionGroup([first, new ExceptionGroup([second, new ExceptionGroup([0, undefined])]), failed])
  t.deepEqual([...group.leaves()], [first, second, 0, undefined, failed])
})

test('split divides the leaves and keeps the nesting', (t) => {
  const inner = new ExceptionGroup([second, third])
  const group = new ExceptionGroup([first, inner])
  const [types, rest] = group.split((error) => error instanceof TypeError)
  t.true(types instanceof ExceptionGroup)
  t.is(types?.errors[0], first)
  t.deepEqual((types?.errors[1] as ExceptionGroup).errors, [third])
  t.deepEqual((rest?.errors[0] as ExceptionGroup).errors, [second])
  t.deepEqual(
    group.split(() => true),
    [group, undefined],
  )
  t.deepEqual(
    group.split(() => false),
    [undefined, group],
  )
  t.is(group.split(() => true)[0], group, 'nothing divided, nothing made')
})
