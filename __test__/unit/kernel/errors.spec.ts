/** The error classes, and the methods of ExceptionGroup. */
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

// ExceptionGroup.handle

/** What `handle` throws, and what each handler got. */
function handled(error: unknown, matches: readonly unknown[], throwing: Record<number, unknown> = {}) {
  const got: [index: number, part: ExceptionGroup][] = []
  let outcome: { readonly thrown: unknown } | undefined
  const clauses = matches.map((match, index) => [
    match,
    (part: ExceptionGroup) => {
      got.push([index, part])
      if (index in throwing) throw throwing[index] === 'again' ? part : throwing[index]
    },
  ])
  try {
    ExceptionGroup.handle(error, clauses as never)
  } catch (thrown) {
    outcome = { thrown }
  }
  return { got: got.map(([index, part]) => [index, tree(part)]), outcome }
}

const tree = (error: unknown): unknown => (error instanceof ExceptionGroup ? error.errors.map(tree) : error)
const never = () => false

test('R49: handle gives each part to its handler, as a group that keeps the nesting', (t) => {
  const group = new ExceptionGroup([first, new ExceptionGroup([second, new ExceptionGroup([third])])])
  t.deepEqual(handled(group, [RangeError, TypeError]), {
    got: [
      [0, [[second]]],
      [1, [first, [[third]]]],
    ],
    outcome: undefined,
  })
})

test('R49: a leaf goes to the first handler that matches; one without a part is not called', (t) => {
  const group = new ExceptionGroup([first, second])
  t.deepEqual(handled(group, [never, Error, TypeError]), { got: [[1, [first, second]]], outcome: undefined })
})

test('R49: classes match their instances, also those of subclasses and what is no error; predicates get each leaf', (t) => {
  class Own {}
  const own = new Own()
  const group = new ExceptionGroup([own, new errors.NotRunningError(), undefined, 7])
  const { got, outcome } = handled(group, [Own, errors.UsageError, (leaf: unknown) => leaf === undefined])
  t.deepEqual(got[0], [0, [own]])
  t.deepEqual([got[1]![0], got[2]], [1, [2, [undefined]]])
  t.deepEqual(tree(outcome!.thrown), [7])
})

test('R49: a bare error is matched as a group of one, and comes out as itself when nothing matches', (t) => {
  t.deepEqual(handled(first, [RangeError, TypeError]), { got: [[1, [first]]], outcome: undefined })
  t.is(handled(first, [RangeError]).outcome!.thrown, first)
  t.is(handled(first, []).outcome!.thrown, first)
  for (const bare of [undefined, null, 0, 'text']) {
    t.deepEqual(handled(bare, [never]).outcome, { thrown: bare })
    t.deepEqual(handled(bare, [(leaf: unknown) => leaf === bare]), { got: [[0, [bare]]], outcome: undefined })
  }
  const aggregate = new AggregateError([first])
  t.is(handled(aggregate, [TypeError]).outcome!.thrown, aggregate, 'an AggregateError of another kind is one leaf')
})

test('R49: leaves that match nothing come out in one group, which keeps their nesting', (t) => {
  const group = new ExceptionGroup([first, new ExceptionGroup([second, third])])
  t.deepEqual(tree(handled(group, [TypeError]).outcome!.thrown), [[second]])
  t.is(handled(group, [never]).outcome!.thrown, group, 'the same, when all of it is left')
})

test('R49: errors of handlers come out with those that match nothing, in one group; the other handlers are called', (t) => {
  const failure = new Error('from a handler')
  const group = new ExceptionGroup([first, second, 7])
  const { got, outcome } = handled(group, [TypeError, RangeError], { 0: failure })
  t.deepEqual(got, [
    [0, [first]],
    [1, [second]],
  ])
  t.true(outcome!.thrown instanceof ExceptionGroup)
  t.deepEqual(tree(outcome!.thrown), [7, failure])
  t.deepEqual(tree(handled(first, [TypeError], { 0: failure }).outcome!.thrown), [failure])
  t.deepEqual(tree(handled(first, [TypeError], { 0: undefined }).outcome!.thrown), [undefined])
  const both = handled(new ExceptionGroup([first, second]), [TypeError, RangeError], { 0: 1, 1: 2 })
  t.deepEqual(tree(both.outcome!.thrown), [1, 2])
})

test('R49: a handler that throws its group gives the errors back', (t) => {
  const group = new ExceptionGroup([first, second])
  t.deepEqual(tree(handled(group, [TypeError], { 0: 'again' }).outcome!.thrown), [second, first])
})

test('R49: a predicate that throws is a failure, and its leaves go on to the others', (t) => {
  const failure = new Error('from a predicate')
  const fails = () => {
    throw failure
  }
  const { got, outcome } = handled(new ExceptionGroup([first]), [fails, TypeError])
  t.deepEqual(got, [[1, [first]]])
  t.deepEqual(tree(outcome!.thrown), [failure])
})

test('R49: a handler that returns a promise is refused', (t) => {
  const asynchronous = () => Promise.resolve()
  const thrown = t.throws(() => ExceptionGroup.handle(first, [[TypeError, asynchronous as never]]))
  t.true((thrown as ExceptionGroup).errors[0] instanceof errors.UsageError)
})

test('R49: handlers of a wrong shape are a TypeError that keeps the error as its cause, before any is called', (t) => {
  const handler = () => t.fail('it was called')
  const wrong: readonly unknown[] = [
    undefined,
    TypeError,
    [TypeError, handler],
    [[TypeError, handler], [TypeError]],
    [
      [TypeError, handler],
      [TypeError, handler, handler],
    ],
    [
      [TypeError, handler],
      ['TypeError', handler],
    ],
    [
      [TypeError, handler],
      [TypeError, undefined],
    ],
    [
      [TypeError, handler],
      [ExceptionGroup, handler],
    ],
  ]
  for (const handlers of wrong) {
    const thrown = t.throws(() => ExceptionGroup.handle(first, handlers as never), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
    })
    t.is(thrown.cause, first)
  }
})

test('R54: the stack of a group has the leaves with their own frames first, then where the group was made', (t) => {
  const leaf = new Error('the leaf')
  leaf.stack = 'Error: the leaf\n    at somewhere (file.ts:1:1)'
  const { stack = '' } = new ExceptionGroup([new ExceptionGroup([leaf]), 7])
  t.regex(stack, /^ExceptionGroup: 2 errors.*\n {2}1\) Error: the leaf\n\s+at somewhere .*\n {2}2\) 7\n {4}at /)
  const many = new ExceptionGroup(Array.from({ length: 12 }, (_, n) => n))
  t.regex(String(many.stack), / {2}10\) 9\n {2}and 2 more\n/)
  const own = new ExceptionGroup([leaf])
  own.errors.push(own)
  t.regex(String(own.stack), /^ExceptionGroup/)
  own.stack = 'another'
  t.is(own.stack, 'another')
})
