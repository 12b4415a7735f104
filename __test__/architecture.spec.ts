/**
 * The house rules, asserted: who may import whom, what is public, and that nothing is suppressed silently. The rules
 * about imports are pure functions (support/source-graph.ts); the last tests plant violations, so that a rule which
 * has stopped seeing anything fails too.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import {
  caseMismatches,
  caseNumbers,
  missingPaths,
  ruleNames,
  staleCitations,
  testedCases,
  unknownCases,
  unknownRules,
} from './support/citations.ts'
import {
  exportedNames,
  importRules,
  readBarrel,
  readPortingTable,
  violations,
  type Sources,
} from './support/source-graph.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** What belongs to the project: tracked, or new and not ignored. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((path) => path !== '' && existsSync(new URL(path, root)))

const GENERATED =
  /^(src\/native\/binding\.|(index|testing|node)\.d\.c?ts$|package-lock\.json$|Cargo\.lock$|bench\/results\/)/
const handWritten = files.filter((path) => !GENERATED.test(path))
const code = handWritten.filter((path) => /\.(ts|js|mjs|cjs|rs)$/.test(path))
const sources: Sources = new Map(
  code.filter((path) => path === 'index.ts' || /^src\/.*\.ts$/.test(path)).map((path) => [path, read(path)]),
)

/** What only one of two lists has. */
const difference = (a: readonly string[], b: readonly string[]): string[] =>
  [...a.filter((name) => !b.includes(name)), ...b.filter((name) => !a.includes(name))].sort()

test('imports follow the arrows of docs/architecture.md, without cycles', (t) => {
  t.true(sources.size > 10)
  t.deepEqual(violations(sources), [])
})

test('index.ts is a list: named re-exports, no logic, no star, no alias', (t) => {
  const { names, strange } = readBarrel(read('index.ts'))
  t.deepEqual(strange, [])
  t.deepEqual(names.length, new Set(names).size, 'a name is exported twice')
})

test('index.ts and index.d.ts export the same names', (t) => {
  t.deepEqual(difference(exportedNames(read('index.d.ts')), readBarrel(read('index.ts')).names), [])
})

for (const [barrel, declarations, inside] of [
  ['src/testing/index.ts', 'testing.d.ts', /^\.\/\w|^\.\.\/backends\/virtual\//],
  ['src/node/index.ts', 'node.d.ts', /^\.\/\w/],
] as const) {
  test(`${barrel} is such a list, and exports the same names as ${declarations} and none of index.ts`, (t) => {
    const { names, strange } = readBarrel(read(barrel), inside)
    t.deepEqual(strange, [])
    t.deepEqual(names.length, new Set(names).size, 'a name is exported twice')
    t.deepEqual(difference(exportedNames(read(declarations)), names), [])
    const main = readBarrel(read('index.ts')).names
    t.deepEqual(
      names.filter((name) => main.includes(name)),
      [],
      'one name for one thing',
    )
  })
}

test('the names of exported classes, types and errors have their initialisms in capitals', (t) => {
  const mixed = /(?:Tls|Tcp|Udp|Unix|Http|Dns|Url|Json|Alpn|Fds?)(?![a-z])/
  const names = ['index.d.ts', 'testing.d.ts', 'node.d.ts'].flatMap((path) => exportedNames(read(path)))
  t.deepEqual(
    names.filter((name) => /^[A-Z]/.test(name) && mixed.test(name)),
    [],
  )
  t.true(names.includes('TLSContext') && mixed.test('TlsContext') && mixed.test('ReceivedFds'))
})

test('the porting table lists every export, and what it says is here is here', (t) => {
  const rows = readPortingTable(read('docs/porting-from-anyio.md'))
  const listed = (exists: boolean): Set<string> =>
    new Set(rows.filter((row) => row.exists === exists).flatMap((row) => row.names))
  const { names } = readBarrel(read('index.ts'))
  t.deepEqual(difference([...listed(true)], names), [])
  // A class whose later members are listed (`SocketStream.startTls`) is here itself.
  const announced = [...listed(false)].filter((name) => !listed(true).has(name))
  t.deepEqual(
    announced.filter((name) => names.includes(name)),
    [],
    'exported, but still listed as later',
  )
  t.true(announced.length > 0 || rows.every((row) => row.exists))
})

test('the package finds itself through its own exports', async (t) => {
  for (const [self, barrel] of [
    ['structio', '../index.ts'],
    ['structio/testing', '../src/testing/index.ts'],
    ['structio/node', '../src/node/index.ts'],
  ] as const) {
    // By name, and by a variable: what counts is Node's resolution of the built package, not the compiler's.
    const built = (await import(self)) as Record<string, unknown>
    const source = (await import(barrel)) as Record<string, unknown>
    t.deepEqual(difference(Object.keys(built), Object.keys(source)), [], self)
  }
})

test('the entries of the package share their classes', async (t) => {
  const [main, testing, node]: string[] = ['structio', 'structio/testing', 'structio/node']
  const { Stream, run } = (await import(main!)) as { Stream: new () => object; run(main: () => void): Promise<void> }
  const { memoryStreamPair } = (await import(testing!)) as { memoryStreamPair: () => object[] }
  const { toDuplex } = (await import(node!)) as { toDuplex(stream: object): { destroy(): void } }
  const pair = memoryStreamPair()
  t.true(pair.every((stream) => stream instanceof Stream))
  // It refuses what is no `Stream`.
  await run(() => pair.forEach((stream) => toDuplex(stream).destroy()))
})

test('a file of more than 500 lines says why', (t) => {
  const long = code.filter((path) => {
    const text = read(path)
    return text.split('\n').length > 500 && !/over 500 lines because/i.test(text)
  })
  t.deepEqual(long, [])
})

test('nothing is suppressed silently: every directive carries its reason', (t) => {
  const silent = code.flatMap((path) =>
    read(path)
      .split('\n')
      .map((line, index) => ({ line, at: `${path}:${index + 1}` }))
      .filter(({ line }) => /^\s*(?:\/\/|\/\*)\s*(eslint-disable|@ts-(ignore|expect-error|nocheck))/.test(line))
      .filter(({ line }) => !/eslint-disable.* -- \w|@ts-expect-error:? \w/.test(line))
      .map(({ at }) => at),
  )
  t.deepEqual(silent, [])
})

test('links between the pages lead somewhere', (t) => {
  const pages = files.filter((path) => path.endsWith('.md'))
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .map((match) => new URL(match[1] as string, new URL(page, root)))
      .filter((target) => !existsSync(target))
      .map((target) => `${page} → ${target.pathname.slice(root.pathname.length)}`),
  )
  t.deepEqual(broken, [])
})

/** Texts that may cite rules and cases. This file and its helper hold wrong citations, planted. */
const citing: Sources = new Map(
  handWritten
    .filter((path) => /\.(ts|js|mjs|cjs|rs|py|toml|md|yml|sh|txt)$/.test(path))
    .filter((path) => !['__test__/architecture.spec.ts', '__test__/support/citations.ts'].includes(path))
    .map((path) => [path, read(path)]),
)
const rules = ruleNames(read('docs/reference/rules.md'))
const cases = caseNumbers(read('docs/reference/cases.md'))

test('every rule that is cited is in docs/reference/rules.md, and in there once', (t) => {
  t.true(rules.length > 50)
  t.is(new Set(rules).size, rules.length)
  t.deepEqual(unknownRules(citing, rules), [])
})

test('every case that a test or a text names is in docs/reference/cases.md, and every case there has a test', (t) => {
  const tested = [...citing]
    .filter(([path]) => path.endsWith('.spec.ts'))
    .flatMap(([path, text]) => testedCases(path, text))
  t.true(cases.length > 200)
  t.deepEqual(caseMismatches(tested, cases), [])
  t.deepEqual(unknownCases(citing, cases), [])
})

test('no text cites a page that the project does not hold, or a rule by a bare number', (t) => {
  t.deepEqual(staleCitations(citing), [])
})

test('files and folders that the pages name exist', (t) => {
  const pages: Sources = new Map([...citing].filter(([path]) => path.endsWith('.md')))
  t.deepEqual(
    missingPaths(pages, (path) => existsSync(new URL(path, root))),
    [],
  )
  const planted: Sources = new Map([['docs/x.md', 'See `src/run.ts` and `src/gone.ts`.']])
  t.deepEqual(
    missingPaths(planted, (path) => path === 'src/run.ts'),
    ['docs/x.md:1 names src/gone.ts, which does not exist'],
  )
})

test('a planted citation of a rule, a case or a page that does not exist is found', (t) => {
  const plant = (line: string): Sources => new Map([['src/x.ts', `// fine: SCOPE-7, UTF-8, case S22\n// ${line}`]])
  const known = [['SCOPE-7'], ['S22', 'S23']] as const
  t.deepEqual(unknownRules(plant('SCOPE-99 holds'), known[0]), [
    'src/x.ts:2 cites SCOPE-99, which rules.md does not have',
  ])
  t.deepEqual(unknownRules(plant('as STREAMS-1 says'), known[0]), [
    'src/x.ts:2 cites STREAMS-1, which rules.md does not have',
  ])
  t.deepEqual(unknownCases(plant('cases S23 and S99'), known[1]), [
    'src/x.ts:2 cites S99, which cases.md does not have',
  ])
  for (const line of ['api.md §2', 'conformance.md', 'conformance L7', 'amendment 3', 'rule 7', 'Rules 7 to 9']) {
    const [found, ...others] = staleCitations(plant(`see ${line}`))
    t.regex(found ?? '', /^src\/x\.ts:2 cites "/, line)
    t.deepEqual(others, [])
  }
  t.deepEqual(staleCitations(plant('rule 9 of RFC 6724; the rules; 7 rules; rules.md')), [])
})

test('a planted test without a row, a row without a test and a second row are found', (t) => {
  const spec = [
    `test('S1: plain', (t) => t.pass())`,
    'eachBackend(test, `S2: ${how}`, async (t) => {})',
    `test('S3, S4: two', function () {})`,
    `log('S5: no title')`,
  ].join('\n')
  t.deepEqual(testedCases('x.spec.ts', spec), ['S1', 'S2', 'S3', 'S4'])
  t.deepEqual(caseMismatches(['S1', 'S2', 'S2'], caseNumbers('| S2 | a |\n| S3 | b |\n| S3 | c |\n| case | d |')), [
    'S1 has no row',
    'S3 has no test',
    'S3 has no test',
    'S3 has two rows',
  ])
})

test('no file names the machine it was written on, nor a registry', (t) => {
  const address = /(^|[\s'"`(=])(\/(home|root|Users|work|tmp\/\w)\b|[A-Z]:\\\\?\w)|"resolved":|registry\.npmjs/m
  const named = files
    .filter(
      (path) =>
        /\.(ts|js|cjs|json|rs|toml|md|yml|sh)$|^\.ci\/run$/.test(path) && path !== '__test__/architecture.spec.ts',
    )
    .filter((path) => address.test(read(path)))
  t.deepEqual(named, [])
})

const planted: Record<string, [file: string, text: string]> = {
  'only src/native imports the generated binding': [
    'src/backends/native/x.ts',
    `const binding = createRequire(import.meta.url)('../../native/binding.cjs')`,
  ],
  'only src/backends/native imports src/native': ['src/sockets.ts', `import { load } from './native/load.ts'`],
  'src/native imports nothing of the library but its contracts': [
    'src/native/load.ts',
    `export { run } from '../run.ts'`,
  ],
  'concept modules do no I/O of their own; src/tls/files.ts alone reads what a TLS context is made of': [
    'src/streams/x.ts',
    `const net = await import('node:net')`,
  ],
  'concept modules know the backend contract; run.ts alone also chooses one and takes its options': [
    'src/sockets.ts',
    `import { x } from './backends/node/index.ts'`,
  ],
  'the kernel imports only itself, errors.ts, node:async_hooks and node:diagnostics_channel': [
    'src/kernel/x.ts',
    `import type { Backend } from '../backends/contract/backend.ts'`,
  ],
  'the kernel has one face: src/kernel/index.ts': ['src/run.ts', `import { Task } from './kernel/task.ts'`],
  'src/common imports the kernel, errors.ts, the contract and itself': [
    'src/common/x.ts',
    `import { Stream } from '../streams/stream.ts'`,
  ],
  'the contract imports errors.ts and itself': [
    'src/backends/contract/x.ts',
    `import { later } from '../shared/later.ts'`,
  ],
  'backends do not import concept modules': ['src/backends/node/x.ts', `import { run } from '../../run.ts'`],
  'a backend does not import another one': ['src/backends/node/x.ts', `import { x } from '../native/x.ts'`],
  'relative imports name a file with its extension': ['src/run.ts', `import { x } from './scopes'`],
  'of the backends, src/testing knows the contract and the virtual one': [
    'src/testing/x.ts',
    `import { x } from '../backends/node/index.ts'`,
  ],
  'src/testing is for tests: nothing in the library needs it': [
    'src/streams/x.ts',
    `import { Random } from '../testing/random.ts'`,
  ],
  'src/node stands beside the concepts: nothing in the library needs it, and it knows no backend': [
    'src/streams/x.ts',
    `import { toDuplex } from '../node/to-duplex.ts'`,
  ],
  'src/node does no I/O: of node:net, node:tls and the like it knows the types, and the classes to tell apart': [
    'src/node/x.ts',
    `import { connect } from 'node:dgram'`,
  ],
  'nothing imports a barrel': ['src/run.ts', `let x: import('../index.ts').CancelScope`],
  'no dependencies: a library with none cannot be attacked through them': ['src/run.ts', `import x from 'left-pad'`],
}

for (const { name } of importRules) {
  test(`a planted violation is found: ${name}`, (t) => {
    const [file, text] = planted[name] ?? []
    if (file === undefined || text === undefined) return t.fail('no violation is planted for this rule')
    const found = violations(new Map([[file, `// a comment\n${text}\n`]]))
    t.true(
      found.some((line) => line.startsWith(`${file}:2 imports `) && line.endsWith(name)),
      `found only: ${found.join('\n')}`,
    )
  })
}

test('a planted cycle is found, and a cycle of types alone is none', (t) => {
  const cycle = new Map([
    ['src/a.ts', `import { b } from './b.ts'`],
    ['src/b.ts', `export * from './c.ts'`],
    ['src/c.ts', `import { type A, a } from './a.ts'`],
  ])
  t.deepEqual(violations(cycle), ['import cycle: src/a.ts → src/b.ts → src/c.ts → src/a.ts'])
  t.deepEqual(violations(new Map([...cycle, ['src/c.ts', `import type { A } from './a.ts'`]])), [])
})

test('a barrel with logic, a star or an alias is found out', (t) => {
  const { names, strange } = readBarrel(
    [
      `export { a, type B } from './src/a.ts'`,
      `export * from './src/b.ts'`,
      `export const c = 1`,
      `export { d as e } from './src/d.ts'`,
    ].join('\n'),
  )
  t.deepEqual(names, ['a', 'B', 'e'])
  t.deepEqual(strange, [`export * from './src/b.ts'`, 'export const c = 1', 'd as e'])
})
