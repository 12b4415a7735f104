/**
 * `npm run lint`: every check that reads the code without running it. Each is a step of its own, so that one complaint
 * does not hide another.
 */
import { command, must } from './lib/command.js'
import { buildDocs } from './lib/docs.js'
import { buildParts } from './lib/build.js'
import { install } from './lib/install.js'
import { binOf } from './lib/project.js'
import { createReport } from './lib/report.js'
import { typeFiles } from './lib/types.js'
import { versionFiles } from './lib/versions.js'

const { step, finish } = createReport('npm run lint')
const node = (bin, ...args) => must(process.execPath, [bin(), ...args])

if (await step('install', install)) {
  await step('TypeScript linter (eslint)', () => node(() => binOf('eslint'), '--max-warnings', '0', '.'))
  await step('formatting (prettier)', () => node(() => binOf('prettier'), '--check', '--log-level', 'warn', '.'))
  await step('formatting (rustfmt)', () => must('cargo', ['fmt', '--all', '--check']))
  await step('Rust linter (clippy)', () =>
    must('cargo', ['clippy', '--workspace', '--all-targets', '--', '-D', 'warnings']),
  )
  await step('generated: what carries the version', () => isCommitted('versions', Object.keys(versionFiles())))
  await step(`generated: ${typeFiles.join(', ')}`, () => isCommitted('types', typeFiles))
  await step('documentation: every export, every link (typedoc)', buildDocs)
  await step('generated: src/native/binding.{cjs,d.cts}', () =>
    isCommitted('native', ['src/native/binding.cjs', 'src/native/binding.d.cts']),
  )
}
finish()

/**
 * Builds the part and asks git whether the files are in it as they came out. Asking git, not the file system: a build
 * before this one has brought the files up to date already, and hidden what was forgotten.
 */
async function isCommitted(part, files) {
  await buildParts[part]()
  const known = await command('git', ['ls-files', '--error-unmatch', '--', ...files])
  const same = await command('git', ['diff', '--exit-code', '--', ...files])
  if (!known.ok || !same.ok) throw new Error(`commit what \`npm run build -- ${part}\` wrote: ${files.join(', ')}`)
}
