/**
 * Functions that are sent by their source: in each form that JavaScript has, and as compilers emit them. What compilers emit is
 * made by the compilers themselves.
 */
import { transform } from 'esbuild'
import test from 'ava'
import ts from 'typescript'
import { run, runInThread, UsageError } from '../../../index.ts'
import { rejection } from '../../support/rejection.ts'

const inThread = (fn: unknown, ...args: unknown[]): Promise<unknown> =>
  run(() => runInThread(fn as (...args: unknown[]) => unknown, ...args), { backend: 'node' })

/** The value of an expression, as a plain script has it. */
const evaluate = (code: string): unknown => (0, eval)(code)

const FORMS: Record<string, string> = {
  arrow: '(a, b) => a + b',
  'arrow of one name': 'a => b => 0, (a, b) => a + b',
  'async arrow': 'async (a, b) => a + b',
  function: '(function (a, b) { return a + b })',
  'named function': '(function add(a, b) { return b === 0 ? a : add(a + 1, b - 1) })',
  'async function': '(async function add(a, b) { await null; return a + b })',
  method: '({ add(a, b) { return a + b } }).add',
  'async method': '({ async add(a, b) { return a + b } }).add',
  'method of a computed name': '({ ["a-" + "b"](a, b) { return a + b } })["a-b"]',
  'method of a quoted name': '({ "a b"(a, b) { return a + b } })["a b"]',
  'method called async': '({ async(a, b) { return a + b } }).async',
  'method called get': '({ get(a, b) { return a + b } }).get',
  'method called if': '({ if(a, b) { return a + b } }).if',
  'method of a class': '(class { add(a, b) { return a + b } }).prototype.add',
  'static method': '(class { static add(a, b) { return a + b } }).add',
  'private method': '(class { static #add(a, b) { return a + b } static it = this.#add }).it',
  'defaults, rest, destructuring': '({ length = 1 }, ...[b]) => (typeof length === "number" ? 3 : b)',
  'comment at the end': '(a, b) => a + b // sum',
  sloppy: '(function (a, b) { with ({ c: a }) return c + b })',
  'inner functions and classes':
    '(a, b) => { class Sum { #x = a; of(y) { return this.#x + y } } return new Sum().of(b) }',
}

for (const [name, code] of Object.entries(FORMS)) {
  test.serial(`a function in the form of: ${name}`, async (t) => {
    t.is(await inThread(evaluate(code), 1, 2), 3)
  })
}

test.serial(
  'a function made anew for each call is the same to a thread, and one that closes over another is not mistaken for it',
  async (t) => {
    await run(
      async () => {
        for (let round = 0; round < 600; round++) {
          const fn = evaluate(`(x) => x + ${round}`) as (x: number) => number
          t.is(await runInThread(fn, 1), round + 1)
        }
        for (let round = 0; round < 3; round++) t.is(await runInThread((x: number) => x * 2, round), round * 2)
      },
      { backend: 'node' },
    )
  },
)

test.serial(
  'a missing name is reported as what it is, and where no such name is used, the error stays as it was',
  async (t) => {
    const outside = 3
    const missing = (await rejection(inThread(() => outside))) as Error
    t.true(missing instanceof UsageError)
    t.regex(missing.message, /closes over "outside"/)
    t.true(missing.cause instanceof ReferenceError)
    const late = (await rejection(inThread(async () => (await null, outside)))) as Error
    t.regex(late.message, /closes over "outside"/)
    const own = (await rejection(
      inThread(() => {
        throw new ReferenceError('no such row')
      }),
    )) as Error
    t.is(own.constructor, ReferenceError)
  },
)

test.serial(
  'an import inside the function means what it does in the working directory, without a warning',
  async (t) => {
    const warnings: unknown[] = []
    const listener = (warning: unknown): void => void warnings.push(warning)
    process.on('warning', listener)
    t.teardown(() => process.removeListener('warning', listener))
    t.is(
      await inThread(async () => {
        const { TimeoutError } = await import('structio')
        const { join } = await import('node:path')
        return join(new TimeoutError().name, 'x')
      }),
      'TimeoutError/x',
    )
    t.deepEqual(warnings, [])
  },
)

/** What needs helpers, in TypeScript. */
const WITH_HELPERS = `
export const sum = async (list: number[], options: { start: number; other?: number }) => {
  class Total {
    #value = 0
    static made = 1
    count = 0
    #bump(by: number) { this.#value += by; this.count++ }
    add(by: number) { this.#bump(by); return this }
    get value() { return this.#value }
    static is(object: object) { return #value in object }
  }
  const named = { inner: () => 1 }
  const { start, ...rest } = options
  const copied = { ...rest, extra: named.inner() }
  const total = new Total().add(start)
  for (const x of list) total.add(await Promise.resolve(x))
  {
    using closed = { [Symbol.dispose]() { total.add(1) } }
    await using later = { async [Symbol.asyncDispose]() { await null; total.add(1) } }
    void [closed, later]
  }
  let failed = ''
  try { await Promise.reject(new RangeError('no')) } catch (error) { failed = (error as Error).name }
  return [total.value ** 2, total.count, Object.keys(copied).sort().join(), Total.is(total), Total.made, failed]
}`
const EXPECTED = [81, 6, 'extra,other', true, 1, 'RangeError']

const exportOf = (code: string): unknown => {
  const module = { exports: {} as { sum?: unknown } }
  ;(evaluate(`(function (module, exports) {${code}\n})`) as (...args: unknown[]) => void)(module, module.exports)
  return module.exports.sum
}

for (const target of ['es2017', 'es2020', 'es2022', 'es2024', 'es2016']) {
  test.serial(`as esbuild emits it for ${target}, with names kept`, async (t) => {
    const { code } = await transform(WITH_HELPERS, { loader: 'ts', format: 'cjs', target, keepNames: true })
    t.deepEqual(await inThread(exportOf(code), [1, 2, 3], { start: 1, other: 2 }), EXPECTED)
  })
}

for (const target of [ts.ScriptTarget.ES2015, ts.ScriptTarget.ES2017, ts.ScriptTarget.ES2021, ts.ScriptTarget.ES2022]) {
  for (const importHelpers of [false, true]) {
    test.serial(`as tsc emits it for ${ts.ScriptTarget[target]}${importHelpers ? ', with tslib' : ''}`, async (t) => {
      const { outputText } = ts.transpileModule(WITH_HELPERS, {
        compilerOptions: { target, module: ts.ModuleKind.CommonJS, importHelpers },
      })
      // tslib itself is not asked for: the function brings nothing of it along.
      const code = outputText.replace(/require\("tslib"\)/, '{}')
      t.deepEqual(await inThread(exportOf(code), [1, 2, 3], { start: 1, other: 2 }), EXPECTED)
    })
  }
}

test.serial('as compilers to CommonJS call the library', async (t) => {
  for (const name of ['import_structio', 'structio_1']) {
    const fn = evaluate(
      `() => { try { (0, ${name}.fromThread).checkCancelled(); return 1 } catch (e) { return e.message } }`,
    )
    t.is(await inThread(fn), 1)
  }
})

test.serial('with the counters of istanbul in it', async (t) => {
  t.is(
    await inThread(
      evaluate('(a) => { cov_1abc2def3().f[0]++; cov_1abc2def3().s[1]++; return (cov_1abc2def3().b[0][1]++, a) }'),
      4,
    ),
    4,
  )
})
