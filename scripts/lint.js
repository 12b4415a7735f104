/**
 * `npm run lint`: every check that reads the code without running it. Each is a step of its own, so that one complaint
 * does not hide another.
 */
import { command, must } from './lib/command.js'
import { buildParts } from './lib/build.js'
import { install } from './lib/install.js'
import { binOf } from './lib/project.js'
import { createReport } from './lib/report.js'
import { checkTypes } from './lib/types.js'

const { step, finish } = createReport('npm run lint')
const node = (bin, ...args) => must(process.execPath, [bin(), ...args])

if (await step('install', install)) {
  await step('TypeScript linter (eslint)', () => node(() => binOf('eslint'), '--max-warnings', '0', '.'))
  await step('formatting (prettier)', () => node(() => binOf('prettier'), '--check', '--log-level', 'warn', '.'))
  await step('formatting (rustfmt)', () => must('cargo', ['fmt', '--all', '--check']))
  await step('Rust linter (clippy)', () =>
    must('cargo', ['clippy', '--workspace', '--all-targets', '--', '-D', 'warnings']),
  )
  await step('generated: index.d.ts', checkTypes)
  await step('generated: src/native/binding.{cjs,d.ts}', checkBinding)
}
finish()

/** Builds the addon (cached by cargo) and asks git whether the committed loader and types are what came out. */
async function checkBinding() {
  await buildParts.native()
  const files = ['src/native/binding.cjs', 'src/native/binding.d.cts']
  const { output } = await command('git', ['status', '--porcelain', '--', ...files], { capture: true })
  if (output !== '') throw new Error('the generated binding changed: commit what `npm run build -- native` wrote.')
}
