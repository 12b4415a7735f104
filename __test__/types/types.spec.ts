/** The compiler as a test: what the public types promise, that they stand alone, and that the guide's code compiles. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import ts from 'typescript'
import { exportedNames } from '../support/source-graph.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const file = (path: string): string => root + path

/** Compiles files of a consumer's project; those in `virtual` exist in memory only. One line for each complaint. */
function compile(
  names: string[],
  options: ts.CompilerOptions,
  virtual: ReadonlyMap<string, string> = new Map(),
): string[] {
  const all: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    types: ['node'],
    strict: true,
    noEmit: true,
    ...options,
  }
  const host = ts.createCompilerHost(all, true)
  const { fileExists, getSourceFile, readFile } = host
  host.fileExists = (path) => virtual.has(path) || fileExists(path)
  host.readFile = (path) => virtual.get(path) ?? readFile(path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = virtual.get(path)
    return text === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion, true)
  }
  const program = ts.createProgram(names, all, host)
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')
    if (diagnostic.file === undefined || diagnostic.start === undefined) return message
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start)
    return `${diagnostic.file.fileName.replace(root, '')}:${line + 1} ${message}`
  })
}

test('the public types promise what api and guide say', (t) => {
  t.deepEqual(compile([file('__test__/types/public-api.types.ts')], { exactOptionalPropertyTypes: true }), [])
})

test('an assertion about types that is wrong is a complaint', (t) => {
  const path = file('__test__/types/wrong.ts')
  const text = [
    readFileSync(file('__test__/types/public-api.types.ts'), 'utf8'),
    'is<Promise<string>>()(moveOnAfter(1, () => 1))',
  ].join('\n')
  const complaints = compile([path], {}, new Map([[path, text]]))
  t.is(complaints.length, 1)
  t.regex(complaints[0] ?? '', /not assignable to .*never/)
})

test('index.d.ts stands alone: it needs the types of Node and no others, checked in full', (t) => {
  // Without the disposable library and without skipLibCheck, as the strictest consumer has it.
  const options: ts.CompilerOptions = {
    lib: ['lib.es2022.d.ts'],
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
  }
  t.deepEqual(compile([file('index.d.ts')], options), [])
})

test('index.d.ts keeps the documentation and leaves out what is internal', (t) => {
  const text = readFileSync(file('index.d.ts'), 'utf8')
  t.notRegex(text, /@internal/)
  const source = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true)
  const names = new Set(exportedNames(text))
  const undocumented = source.statements.filter((statement) => {
    const name = 'name' in statement ? (statement.name as ts.Identifier | undefined)?.text : undefined
    return name !== undefined && names.has(name) && ts.getJSDocCommentsAndTags(statement).length === 0
  })
  t.deepEqual([...new Set(undocumented.map((statement) => statement.getText().split('\n')[0]))], [])
})

const exported = readFileSync(file('index.ts'), 'utf8')
  .match(/export (type )?\{[^}]+\}/g)
  ?.map((list) => list.replace('export', 'import') + ` from 'structio'`)
  .join('\n')

for (const page of [
  ...readdirSync(file('docs/guide')).map((name) => `docs/guide/${name}`),
  'docs/porting-from-anyio.md',
]) {
  const blocks = [...readFileSync(file(page), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(
    (match) => match[1] as string,
  )
  if (blocks.length === 0) continue
  test(`the code in ${page} compiles`, (t) => {
    // Each block is a module of its own that has everything of the library in scope.
    const modules = new Map(
      blocks.map((block, i) => [
        file(`${page.replaceAll('/', '-')}-${i + 1}.ts`),
        `${exported}\n${block}\nexport {}\n`,
      ]),
    )
    t.deepEqual(compile([...modules.keys()], {}, modules), [])
  })
}
