/**
 * `index.d.ts`, `testing.d.ts` and `node.d.ts`: the public API as one file for each entry of the package, rolled up from
 * index.ts, src/testing/index.ts and src/node/index.ts. They are what a consumer's compiler reads and what a reviewer of an API change looks at, so they are
 * committed, and `npm run lint` asks git whether that is what comes out.
 *
 * `index.d.cts`, `testing.d.cts` and `node.d.cts` are what CommonJS consumers get under `module: node16`. There the compiler
 * refuses to `require` an ES module, although Node does it. They declare no type of their own: a `Stream` of
 * `require('structio')` and one of `import 'structio'` are the same class for the compiler too.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { must } from './command.js'
import { binOf, inRoot, root } from './project.js'

/** What one entry declares, the others import by its public name: a `Stream` from any of them has to be one class. */
const ENTRIES = [
  {
    name: 'structio/testing',
    barrel: 'src/testing/index.ts',
    out: 'testing.d.ts',
    owns: /^src\/(testing|backends\/virtual)\//,
  },
  { name: 'structio/node', barrel: 'src/node/index.ts', out: 'node.d.ts', owns: /^src\/node\// },
  // The rest is its own.
  { name: 'structio', barrel: 'index.ts', out: 'index.d.ts', owns: /^/ },
]
const ownerOf = (path) => ENTRIES.find(({ owns }) => owns.test(path)).name

/** The files that `writeTypes` writes. */
export const typeFiles = ENTRIES.flatMap(({ out }) => [out, commonJsName(out)])

export async function writeTypes() {
  const declarations = await declare()
  for (const entry of ENTRIES) {
    const text = await rollUp(entry, declarations)
    writeFileSync(inRoot(entry.out), text)
    writeFileSync(inRoot(commonJsName(entry.out)), await commonJsFace(entry, text))
  }
}

// Two steps, because only tsc knows what `stripInternal` leaves out, and only a bundler makes one file of many.
async function declare() {
  const declarations = inRoot('target', 'declarations')
  rmSync(declarations, { recursive: true, force: true })
  const emit = ['--declaration', '--emitDeclarationOnly', '--outDir', declarations]
  await must(process.execPath, [binOf('typescript', 'tsc'), '-p', 'tsconfig.build.json', ...emit])
  for (const name of readdirSync(declarations, { recursive: true })) {
    if (name.endsWith('.d.ts')) tidy(join(declarations, name), inRoot(name.replace(/\.d\.ts$/, '.ts')))
  }
  return declarations
}

async function rollUp({ name, barrel }, declarations) {
  // Imported here and not above: this module is loaded before the first install.
  const [{ rollup }, { dts }, prettier] = await Promise.all([
    import('rollup'),
    import('rollup-plugin-dts'),
    import('prettier'),
  ])
  const byName = {
    name: 'by-public-name',
    resolveId(source, importer) {
      if (importer === undefined || !source.startsWith('.')) return null
      const path = relative(declarations, resolve(dirname(importer), source)).replaceAll('\\', '/')
      const owner = ownerOf(path)
      return owner === name ? null : { id: owner, external: true }
    },
  }
  const bundle = await rollup({
    input: join(declarations, barrel.replace(/\.ts$/, '.d.ts')),
    external: /^node:/,
    plugins: [byName, dts({ tsconfig: inRoot('tsconfig.build.json') })],
    // An import of something internal stays behind when its last use has gone; one with a use left would not compile,
    // which the tests of the types would tell.
    onwarn: (warning) => {
      if (!['MISSING_EXPORT', 'UNUSED_EXTERNAL_IMPORT'].includes(warning.code)) throw new Error(warning.message)
    },
  })
  const { output } = await bundle.generate({ format: 'es' })
  await bundle.close()
  // The second is for readers of the reference that is made of it.
  const header = `// Rolled up from ${barrel} by \`npm run build -- types\`. Generated: do not edit.

/**
 * Everything that \`import { … } from '${name}'\` can name.
 *
 * @module ${name}
 */\n\n`
  const options = await prettier.resolveConfig(`${root}/index.ts`)
  return prettier.format(header + output[0].code, { ...options, parser: 'typescript' })
}

function commonJsName(out) {
  return out.replace(/\.d\.ts$/, '.d.cts')
}

/** Every export of the ES module again, each in terms of that module. */
async function commonJsFace({ name, out }, text) {
  const [{ default: ts }, prettier] = await Promise.all([import('typescript'), import('prettier')])
  const source = ts.createSourceFile(out, text, ts.ScriptTarget.Latest, true)
  const statements = source.statements.flatMap((statement) =>
    ts.isVariableStatement(statement) ? statement.declarationList.declarations : statement.name ? [statement] : [],
  )
  const declared = new Map(statements.map((statement) => [statement.name.text, statement]))
  const exported = source.statements.filter(ts.isExportDeclaration).flatMap(({ exportClause }) => exportClause.elements)
  const names = exported.map((element) => element.name.text)
  const lines = exported.flatMap((element) => {
    const exportName = element.name.text
    const declaration = declared.get(exportName)
    if (declaration === undefined) throw new Error(`${out} exports ${exportName} and declares no such name`)
    const value = `export declare const ${exportName}: typeof esm.${exportName}`
    if (ts.isFunctionDeclaration(declaration) || ts.isVariableDeclaration(declaration)) return [value]
    const parameters = declaration.typeParameters ?? []
    const own = new Set(parameters.map((parameter) => parameter.name.text))
    const head = parameters.map((parameter) => typeText(parameter, own)).join(', ')
    const list = (items) => (parameters.length === 0 ? '' : `<${items}>`)
    const type = `export type ${exportName}${list(head)} = esm.${exportName}${list([...own].join(', '))}`
    return ts.isClassDeclaration(declaration) ? [value, type] : [type]
  })
  const header = `// Made of ${out} by \`npm run build -- types\`, for \`require('${name}')\`. Generated: do not edit.
import type * as esm from './${out.replace(/\.d\.ts$/, '.js')}' with { 'resolution-mode': 'import' }\n\n`
  const options = await prettier.resolveConfig(`${root}/index.ts`)
  return prettier.format(header + lines.join('\n'), { ...options, parser: 'typescript' })

  // Exported names get the module in front; an alias that is not exported is replaced by what it stands for.
  function typeText(node, own) {
    if (ts.isIdentifier(node)) {
      if (own.has(node.text)) return node.text
      if (names.includes(node.text)) return `esm.${node.text}`
      const alias = declared.get(node.text)
      if (alias === undefined) return node.text
      if (!ts.isTypeAliasDeclaration(alias) || alias.typeParameters !== undefined) {
        throw new Error(`${out}: a type parameter is bounded by ${node.text}, which is not exported`)
      }
      return `(${typeText(alias.type, own)})`
    }
    const children = []
    ts.forEachChild(node, (child) => void children.push(child))
    let written = ''
    let at = node.getStart()
    for (const child of children) {
      written += text.slice(at, child.getStart()) + typeText(child, own)
      at = child.getEnd()
    }
    return written + text.slice(at, node.getEnd())
  }
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
