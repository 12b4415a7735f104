/**
 * `index.d.ts`: the public API as one file, rolled up from index.ts. It is what a consumer's compiler reads and what a
 * reviewer of an API change looks at, so it is committed, and `npm run lint` asks git whether that is what comes out.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './command.js'
import { binOf, inRoot, root } from './project.js'

export async function writeTypes() {
  writeFileSync(inRoot('index.d.ts'), await rollUp())
}

const HEADER = `// The public API of structio, rolled up from index.ts by \`npm run build -- types\`. Generated: do not edit.\n\n`

async function rollUp() {
  // Two steps, because only tsc knows what `stripInternal` leaves out, and only a bundler makes one file of many.
  const declarations = inRoot('target', 'declarations')
  rmSync(declarations, { recursive: true, force: true })
  const emit = ['--declaration', '--emitDeclarationOnly', '--outDir', declarations]
  await must(process.execPath, [binOf('typescript', 'tsc'), '-p', 'tsconfig.build.json', ...emit])
  for (const name of readdirSync(declarations, { recursive: true })) {
    if (name.endsWith('.d.ts')) tidy(join(declarations, name), inRoot(name.replace(/\.d\.ts$/, '.ts')))
  }

  // Imported here and not above: this module is loaded before the first install.
  const [{ rollup }, { dts }, prettier] = await Promise.all([
    import('rollup'),
    import('rollup-plugin-dts'),
    import('prettier'),
  ])
  const bundle = await rollup({
    input: `${declarations}/index.d.ts`,
    external: /^node:/,
    plugins: [dts({ tsconfig: inRoot('tsconfig.build.json') })],
    // An import of something internal stays behind when its last use has gone; one with a use left would not compile,
    // which the tests of the types would tell.
    onwarn: (warning) => {
      if (warning.code !== 'MISSING_EXPORT') throw new Error(warning.message)
    },
  })
  const { output } = await bundle.generate({ format: 'es' })
  await bundle.close()
  const options = await prettier.resolveConfig(`${root}/index.ts`)
  return prettier.format(HEADER + output[0].code, { ...options, parser: 'typescript' })
}

function tidy(declaration, source) {
  let text = readFileSync(declaration, 'utf8')
  // A file's opening comment speaks to its maintainers; rolled up, it would become the doc of whatever comes first.
  const header = /^\/\*\*.*?\*\/(?=\n\n|\nimport )/s.exec(readFileSync(source, 'utf8'))?.[0]
  if (header !== undefined) text = text.replace(header, '')
  // What a class implements for the library's own sake is none of a consumer's business, and left out with the rest.
  text = text.replace(/^(export .*class .*?) implements (.+)(?= \{$)/gm, (_, head, list) => {
    const standard = list.split(/, (?![^<]*>)/).filter((type) => /^(Async)?(Iterable|Disposable)/.test(type))
    return standard.length === 0 ? head : `${head} implements ${standard.join(', ')}`
  })
  // tsc leaves `.ts` in the specifiers of declarations, which the bundler takes for something external.
  text = text.replace(/(['"]\.{1,2}\/[^'"\n]*)\.ts(?=['"])/g, '$1.js')
  writeFileSync(declaration, text)
}
