/** What the workflows promise and nothing here runs: that they cover every platform, and run nothing that may change by itself. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { script } from '../support/packages.ts'

const { PLATFORMS } = await script('platforms.js')
const folder = new URL('../../.github/workflows/', import.meta.url)
const workflows = new Map(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]))
const lines = [...workflows].flatMap(([name, text]) => text.split('\n').map((line) => ({ name, line })))

test('every platform is built, and tried where it is to run', (t) => {
  const named = (job: string): string[] => {
    const text = workflows
      .get('binaries.yml')!
      .split(`\n  ${job}:\n`)[1]!
      .split(/\n {2}\w+:\n/)[0]!
    return [...text.matchAll(/platform: ([\w-]+)/g)].map((match) => match[1]!).sort()
  }
  const all = PLATFORMS.map(({ triple }) => triple).sort()
  t.deepEqual(named('build'), all)
  t.deepEqual(named('try'), all)
})

test('actions of others are pinned to a commit, with the version that it is', (t) => {
  const uses = lines.filter(({ line }) => /^\s*-?\s*uses:/.test(line) && !line.includes('uses: ./'))
  t.true(uses.length > 10)
  for (const { name, line } of uses) t.regex(line, /uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name)
})

test('a workflow may read, and only the job that publishes may say who it is', (t) => {
  for (const [name, text] of workflows) t.regex(text, /\npermissions:\n {2}contents: read\n/, name)
  const more = lines.filter(({ line }) => /: write\b/.test(line)).map(({ name, line }) => `${name}: ${line.trim()}`)
  t.deepEqual(
    more.filter((line) => line.startsWith('release.yml')),
    ['release.yml: id-token: write'],
  )
  // The site is put where the repository shows its pages.
  t.true(more.every((line) => /^(release|docs)\.yml: /.test(line)))
})

test('publishing waits for the tests and the binaries, and goes through the gate', (t) => {
  const release = workflows.get('release.yml')!
  t.regex(release, /needs: \[checks, binaries\]/)
  const gate = release.indexOf('scripts/publish.js --check --tag "$GITHUB_REF_NAME"')
  t.true(gate > 0 && gate < release.indexOf('scripts/publish.js --tag "$GITHUB_REF_NAME"'))
  t.false(/secrets\.|NODE_AUTH_TOKEN/.test(release))
})

test('the scripts that workflows run are there', (t) => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const { name, line } of lines) {
    for (const [, path] of line.matchAll(/(scripts\/[\w-]+\.js|\.ci\/run)/g)) {
      t.true(existsSync(new URL(`../../${path}`, import.meta.url)), `${name}: ${path}`)
    }
    for (const [, command] of line.matchAll(/npm run ([\w:]+)/g)) t.true(command! in scripts, `${name}: ${command}`)
  }
})
