/** The compiler as a test: what the public types promise, and that they stand alone. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import ts from 'typescript'
import { exportedNames } from '../support/source-graph.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const file = (path: string): string => root + path

/** The libraries of TypeScript and Node are large, and the same in every test. */
const parsed = new Map<string, ts.SourceFile | undefined>()

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
    skipLibCheck: true,
    ...options,
  }
  const host = ts.createCompilerHost(all, true)
  const { fileExists, getSourceFile, readFile } = host
  host.fileExists = (path) => virtual.has(path) || fileExists(path)
  host.readFile = (path) => virtual.get(path) ?? readFile(path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = virtual.get(path)
    if (text !== undefined) return ts.createSourceFile(path, text, languageVersion, true)
    if (!path.includes('/node_modules/')) return getSourceFile(path, languageVersion, ...rest)
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, languageVersion, ...rest))
    return parsed.get(path)
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

for (const declarations of ['index.d.ts', 'testing.d.ts', 'node.d.ts']) {
  test(`${declarations} stands alone: it needs the types of Node and no others, checked in full`, (t) => {
    // Without the disposable library and without skipLibCheck, as the strictest consumer has it.
    const options: ts.CompilerOptions = {
      lib: ['lib.es2022.d.ts'],
      skipLibCheck: false,
      exactOptionalPropertyTypes: true,
    }
    t.deepEqual(compile([file(declarations)], options), [])
  })

  test(`${declarations} keeps the documentation and leaves out what is internal`, (t) => {
    const text = readFileSync(file(declarations), 'utf8')
    t.notRegex(text, /@internal/)
    const source = ts.createSourceFile(declarations, text, ts.ScriptTarget.Latest, true)
    const documented = new Set<string>()
    for (const statement of source.statements) {
      const named = ts.isVariableStatement(statement) ? statement.declarationList.declarations[0]! : statement
      const name = 'name' in named ? (named.name as ts.Identifier | undefined)?.text : undefined
      if (name !== undefined && ts.getJSDocCommentsAndTags(statement).length > 0) documented.add(name)
    }
    // Of options, each member says what it is; the name of the whole says the rest.
    const silent = exportedNames(text).filter((name) => !documented.has(name) && !name.endsWith('Options'))
    t.deepEqual(silent, [])
  })
}
