/**
 * The code on the pages of the guide and in README: each snippet compiles as it stands, and runs if it can. `support/guide.ts`
 * explains how a page says what a test does with a snippet.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { ESLint } from 'eslint'
import { WARNINGS } from '../src/kernel/warnings.ts'
import { certificates } from './support/certificates.ts'
import { ask, harass } from './support/guide-clients.ts'
import { startPeer } from './support/guide-peers.ts'
import {
  blocksOf,
  compileSnippets,
  compileProject,
  PAGES,
  pageText,
  readmeOptions,
  type Snippet,
  snippetsOf,
} from './support/guide.ts'
import { file, folder, freePort, Running, Shared, where } from './support/programs.ts'
import { PASSWORD, type Server, startPostgres } from './support/servers.ts'

const snippets = PAGES.flatMap(snippetsOf)
const complaints = compileSnippets(snippets)

for (const page of PAGES) {
  const own = snippets.filter((snippet) => snippet.page === page)
  if (own.length === 0) continue
  test(`the code in ${page} compiles under strict, with its imports shown and the current types of Node`, (t) => {
    t.deepEqual(complaints.get(page) ?? [], [])
  })
  test(`each snippet of ${page} says what is done with it`, (t) => {
    for (const { mode, words, line } of own) {
      t.true(['run', 'server', 'module', 'compile', 'eslint'].includes(mode), `${page}:${line} has the mode "${mode}"`)
      if (mode !== 'run' && mode !== 'eslint') t.true(words.length > 0, `${page}:${line} says no more than "${mode}"`)
    }
  })
}

// Two cores, and each program is a process.
let free = 2
const queue: (() => void)[] = []
async function atMostTwo(t: ExecutionContext, body: () => Promise<void>): Promise<void> {
  if (free === 0) {
    t.timeout(600_000, 'the programs before it do not end')
    await new Promise<void>((resolve) => queue.push(resolve))
  } else free--
  t.timeout(60_000, 'the program does not end')
  try {
    await body()
  } finally {
    const next = queue.shift()
    if (next === undefined) free++
    else next()
  }
}

const shared = new Shared()
test.after.always(() => shared.end())
let postgres: Promise<Server> | undefined
let findPostgres: string | undefined
where('postgres', (path) => (findPostgres = path))

for (const snippet of snippets) {
  const { mode, page, line } = snippet
  if (mode === 'run' && snippet.words.includes('postgres') && findPostgres === undefined) {
    test.skip(`${page}:${line}: PostgreSQL is not installed here`, () => {})
  } else if (mode === 'run') {
    test(`${page}:${line} runs`, (t) =>
      atMostTwo(t, async () => {
        const database = snippet.words.includes('postgres')
          ? await (postgres ??= startPostgres(shared, findPostgres!))
          : undefined
        const { program } = await started(t, snippet, database)
        await program.done()
        const exit = Number(word(snippet, 'exit') ?? 0)
        t.is(program.code, exit, program.output)
        const warning = word(snippet, 'warns')
        const warnings = [...program.errors.matchAll(/\[(STRUCTIO_\w+)\]/g)].map(([, code]) => code)
        if (warning !== undefined) t.deepEqual(warnings, [warning], program.errors)
        else t.is(program.errors, '')
        if (snippet.output !== undefined) t.regex(program.printedOnly.replaceAll('\r\n', '\n'), pattern(snippet.output))
      }))
  }
  if (mode === 'server') {
    test(`${page}:${line} serves, whatever its clients do`, (t) =>
      atMostTwo(t, async () => {
        const { program, port, cwd } = await started(t, snippet)
        const kind = snippet.words[0]!
        await program.printed(/^listening/m)
        const place = { port, folder: cwd, ca: (await certificates()).ca }
        await ask(kind, place)
        await harass(t, kind, place)
        await ask(kind, place)
        t.false(program.ended, program.output)
        // Warnings about peers are no mistake of the program.
        t.notRegex(program.errors, /STRUCTIO_/)
        const signals = /shutdownSignals: \[(.*)\]/.exec(snippet.text)?.[1]
        if (signals === undefined) return program.stop('SIGKILL')
        await program.stop(signals.includes('SIGTERM') ? 'SIGTERM' : 'SIGINT')
        t.is(program.code, Number(word(snippet, 'exit') ?? 0), program.output)
      }))
  }
}

const word = ({ words }: Snippet, name: string): string | undefined =>
  words.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1)

/** Ports that a page may name: a test replaces them by free ones. */
const PORTS = /\b(700\d|808\d|8443)\b/g

async function started(
  t: ExecutionContext,
  snippet: Snippet,
  database?: Server,
): Promise<{ program: Running; port: number; cwd: string }> {
  const cwd = folder(t)
  const { server, ca } = await certificates()
  file(cwd, 'certificate.pem', server.cert)
  file(cwd, 'key.pem', server.key)
  file(cwd, 'authority.pem', ca)
  file(cwd, 'notes.txt', 'one\nERROR two\nthree\n')
  const compiled = snippet.file.replace(/\.ts$/, '.js')
  let code = readFileSync(compiled, 'utf8')
  const ports = new Map<string, number>()
  for (const [named] of snippet.text.matchAll(PORTS)) if (!ports.has(named)) ports.set(named, await freePort())
  code = code.replace(PORTS, (named) => String(ports.get(named) ?? named))
  for (const peer of snippet.words.filter((each) => each.startsWith('peer='))) {
    const [name, named] = peer.slice('peer='.length).split(':') as [string, string]
    const port = ports.get(named)
    if (port === undefined) throw new Error(`${snippet.page}:${snippet.line} does not use the port ${named}`)
    await startPeer(t, name, port)
  }
  const path = join(dirname(compiled), `run-${basename(compiled)}`)
  writeFileSync(path, code)
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_EXTRA_CA_CERTS: join(cwd, 'authority.pem') }
  if (database !== undefined) {
    const { port } = database
    Object.assign(env, { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGPASSWORD: PASSWORD })
  }
  const program = new Running(t, process.execPath, [path], { cwd, env })
  return { program, port: [...ports.values()][0] ?? 0, cwd }
}

/** A block of expected output as a pattern: `…` matches any text in a line. */
function pattern(output: string): RegExp {
  const literal = output.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*')
  return new RegExp(`^${literal}$`)
}

test('a planted server that a client can end is found', (t) =>
  atMostTwo(t, async () => {
    const cwd = folder(t)
    const port = await freePort()
    // A reset is an error event, which has no listener here.
    const code = `require('node:net').createServer((s) => s.pipe(s)).listen(${port}, () => console.log('listening'))`
    const program = new Running(t, process.execPath, ['-e', code], { cwd })
    const place = { port, folder: cwd, ca: '' }
    await program.printed(/^listening/m)
    await ask('echo', place)
    // Refused, or reset where the process is just about to end.
    await t.throwsAsync(async () => {
      await harass(t, 'echo', place)
      await ask('echo', place)
    })
    await program.done()
    t.not(program.code, 0)
  }))

test('the first programs of README compile in a new project that is set up as README says, with the defaults of TypeScript', (t) => {
  const programs = snippetsOf('README.md').slice(0, 2)
  const files = Object.fromEntries(programs.map(({ text }, i) => [`program-${i}.ts`, text]))
  t.deepEqual(compileProject(t, { compilerOptions: readmeOptions() }, files), [])
  // The settings that README names are needed.
  const { types: _, ...withoutTypes } = readmeOptions()
  t.not(compileProject(t, { compilerOptions: withoutTypes }, files).length, 0)
})

test('the ESLint configuration of the guide finds the dropped promises of its sample, and nothing else', async (t) => {
  const page = 'docs/guide/running.md'
  const text = (info: string): string => blocksOf(page).find((block) => block.info.join(' ') === info)!.text
  const at = fileURLToPath(new URL('../target/guide/lint/', import.meta.url))
  mkdirSync(at, { recursive: true })
  writeFileSync(`${at}eslint.config.js`, text('js eslint'))
  writeFileSync(`${at}tsconfig.json`, JSON.stringify({ compilerOptions: { ...readmeOptions(), noEmit: true } }))
  writeFileSync(`${at}sample.ts`, text('ts eslint'))
  const [result] = await new ESLint({ cwd: at }).lintFiles(['sample.ts'])
  const expected = text('ts eslint')
    .split('\n')
    .flatMap((line, i) => {
      const rule = /\/\/ (no-[a-z-]+|return-await)/.exec(line)?.[1]
      return rule === undefined ? [] : [[i + 1, `@typescript-eslint/${rule}`]]
    })
  t.is(expected.length, 4)
  t.deepEqual(
    result!.messages.map(({ line, ruleId, message }) => [line, ruleId ?? message]),
    expected,
  )
})

test('the page about errors has the table of warnings that the source has', (t) => {
  const [, shown] = /<!-- warnings: this table.*?-->\n\n(.*?)\n\n<!-- warnings: end -->/s.exec(
    pageText('docs/guide/errors.md'),
  )!
  const rows = Object.entries(WARNINGS).map(([code, { when, remedy }]) => `| \`${code}\` | ${when} | ${remedy} |`)
  t.is(shown, ['| code | when | what to do |', '|---|---|---|', ...rows].join('\n'))
})
