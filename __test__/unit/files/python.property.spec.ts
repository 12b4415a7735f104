/**
 * Files as Python's own `open` has them: generated files, modes and sequences of operations, each carried out twice, and every
 * result compared, and the file at the end.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import type { OpenOptions } from '../../../src/files.ts'
import { type TestBackend, testBackends } from '../../support/backends.ts'
import { carryOut, type FileOperation, PythonFiles } from '../../support/python-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'structio-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

interface Case {
  readonly content: Buffer
  readonly mode: string
  readonly options: OpenOptions
  readonly operations: readonly FileOperation[]
}

/** What a file is made of: all newlines, characters of every length, and enough of them to reach beyond a buffer now and then. */
const piece = fc.constantFrom('a', 'line', '\n', '\r', '\r\n', 'é', '€', '😀', ' ', 'x'.repeat(70), '\n\n', '\ufeff')
const pieces = fc.array(piece, { maxLength: 40 })
const text = fc.oneof(
  { weight: 9, arbitrary: pieces.map((list) => list.join('')) },
  {
    weight: 1,
    arbitrary: fc.tuple(pieces, fc.nat(400)).map(([list, times]) => list.join('').repeat(times).slice(0, 30_000)),
  },
)
const written = fc.array(piece, { maxLength: 6 }).map((list) => list.join(''))
const size = fc.oneof(fc.integer({ min: -1, max: 12 }), fc.constantFrom(100, 5000, 9000))

const reading = fc.oneof(
  fc.tuple(fc.constant('read'), size),
  fc.tuple(fc.constant('readline'), size),
  fc.constant(['readline'] as const),
  fc.tuple(fc.constant('readlines'), fc.integer({ min: 0, max: 200 })),
  fc.constant(['read'] as const),
)
const moving = fc.oneof(
  fc.constant(['mark'] as const),
  fc.tuple(fc.constant('goto'), fc.nat(3)),
  fc.constantFrom(['seek', 0], ['seek', 0, 1], ['seek', 0, 2], ['flush']) as fc.Arbitrary<FileOperation>,
)
const cutting = fc.tuple(fc.constant('truncate'), fc.oneof(fc.nat(40), fc.constant(null)))

function sequence(binary: boolean): fc.Arbitrary<FileOperation[]> {
  const bytes = written.map((value) => Buffer.from(value).toString('latin1'))
  const data = binary ? bytes : written
  const writing = fc.oneof(
    fc.tuple(fc.constant('write'), data),
    fc.tuple(fc.constant('writelines'), fc.array(data, { minLength: 1, maxLength: 3 })),
  )
  const binaryOnly = fc.oneof(
    fc.tuple(fc.constantFrom('readinto', 'readinto1', 'read1'), fc.nat(90)),
    fc.tuple(fc.constant('seek'), fc.integer({ min: -20, max: 60 }), fc.integer({ min: 0, max: 2 })),
    fc.constant(['tell'] as const),
  )
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: reading },
      { weight: 4, arbitrary: moving },
      { weight: 3, arbitrary: writing },
      { weight: 1, arbitrary: cutting },
      ...(binary ? [{ weight: 4, arbitrary: binaryOnly }] : []),
    ),
    { maxLength: 14 },
  )
}

const access = fc.constantFrom('r', 'r+', 'w', 'w+', 'a', 'a+', 'rb+', 'x+')

const binaryCase: fc.Arbitrary<Case> = fc.record({
  content: text.map((value) => Buffer.from(value)),
  mode: fc.constantFrom('rb', 'r+b', 'wb', 'w+b', 'ab', 'a+b'),
  options: fc.constantFrom<OpenOptions>({}, {}, { bufferSize: 16 }),
  operations: sequence(true),
})

const textCase: fc.Arbitrary<Case> = fc.record({
  content: text.map((value) => Buffer.from(value)),
  mode: access.filter((mode) => !mode.includes('b') && !mode.includes('x')),
  options: fc.record({
    newline: fc.constantFrom(null, null, '', '\n', '\r', '\r\n'),
    bufferSize: fc.constantFrom(undefined, undefined, 1),
  }),
  operations: sequence(false),
})

/** Broken text, and other encodings: only read, for what a write follows there is Python's own affair. */
const brokenCase: fc.Arbitrary<Case> = fc.record({
  content: fc.oneof(
    fc
      .array(fc.constantFrom(0x61, 0x0a, 0x0d, 0x80, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0xff, 0xed, 0xa0))
      .map((list) => Buffer.from(list)),
    text.map((value) => Buffer.from(value)),
    text.map((value) => Buffer.from(value, 'utf16le')),
  ),
  mode: fc.constant('r'),
  options: fc.record({
    newline: fc.constantFrom(null, ''),
    encoding: fc.constantFrom('utf-8', 'utf-8', 'utf-8-sig', 'latin1', 'ascii', 'utf-16-le', 'utf-16'),
    errors: fc.constantFrom('replace', 'ignore'),
  }),
  operations: fc.array(reading, { maxLength: 8 }),
})

/**
 * Left out is what Python does by mistake: its `read1`, and so all reading of text, does not see what has been written and not
 * been flushed, and then puts it elsewhere; what was read ahead is still given out after something was appended behind it; an
 * empty read from a file that is only written is no error, and an empty line of text makes it read on.
 */
function withoutTraps(mode: string, operations: readonly FileOperation[]): FileOperation[] {
  const binary = mode.includes('b')
  const both = mode.includes('+')
  const needsFlush = binary ? /^(read1|readinto1)$/ : /^read/
  return operations.flatMap(([name, ...args]): FileOperation[] => {
    const never = name.startsWith('read') && (!/[r+]/.test(mode) || (name === 'readline' && !binary))
    const operation: FileOperation = [name, ...args.map((value) => (never && value === 0 ? 1 : value))]
    if (both && needsFlush.test(name)) return [['flush'], operation]
    if (both && mode.startsWith('a') && name.startsWith('write')) return [['seek', 0, 2], operation, ['seek', 0]]
    return [operation]
  })
}

/** How much one read of the system gives is what the size of a buffer makes of it. */
function withoutOne([name, ...args]: FileOperation): FileOperation {
  return [name.replace(/1$/, ''), ...args]
}

const hasPython = (() => {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

async function compare(t: ExecutionContext, backend: TestBackend, cases: fc.Arbitrary<Case>, numRuns: number) {
  await using python = new PythonFiles()
  const paths = ['ours', 'theirs'].map((name) => join(folder, `${backend.label}-${name}`)) as [string, string]
  await fc.assert(
    fc.asyncProperty(cases, async ({ content, mode, options, operations: generated }) => {
      const whole = options.bufferSize === undefined && content.length < 8000
      const operations = withoutTraps(mode, whole ? generated : generated.map(withoutOne))
      for (const path of paths) writeFileSync(path, content)
      const results = await backend.run(() => carryOut({ path: paths[0], mode, options, operations }))
      const theirs = await python.carryOut({ path: paths[1], mode, options, operations })
      // Python decodes a buffer's worth and loses its place when that fails; here what stands before the error is read first.
      const end = theirs.results.findIndex((result) => 'error' in result && result.error === 'decode')
      if (end >= 0) return assert.deepEqual(results.slice(0, end), theirs.results.slice(0, end))
      assert.deepEqual(results, theirs.results)
      assert.equal(readFileSync(paths[0], 'latin1'), theirs.content)
    }),
    { numRuns },
  )
  t.pass()
}

for (const backend of testBackends.filter(({ label }) => label !== 'native, thread')) {
  const check = hasPython ? test.serial : test.serial.skip
  check(`binary files do what Python's do, call by call [${backend.label}]`, (t) =>
    compare(t, backend, binaryCase, 250),
  )
  check(`text files do what Python's do, call by call [${backend.label}]`, (t) => compare(t, backend, textCase, 300))
  check(`broken and other encodings read as in Python [${backend.label}]`, (t) => compare(t, backend, brokenCase, 200))
}
