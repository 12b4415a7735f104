/**
 * The import graph of `index.ts` and `src/`, and the rules it has to obey (docs/architecture.md, "Arrows"). Pure
 * functions of path → text, so that a test can plant a violation and see that it is found.
 */
import ts from 'typescript'

/** Path (relative to the project, with `/`) → text. */
export type Sources = ReadonlyMap<string, string>

export interface Import {
  readonly file: string
  /** A project path for relative imports, the specifier as it is for others. */
  readonly target: string
  readonly line: number
  /** Erased by the compiler: it cannot make a cycle at run time. */
  readonly typeOnly: boolean
}

/** Every import, re-export, `import()`, `require()` and `import('…')` type of one file. */
export function importsOf(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: Import[] = []
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
    found.push({ file, target: resolve(file, specifier.text), line, typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    } else if (ts.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.isTypeOnly)
    } else if (ts.isImportTypeNode(node)) {
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true)
    } else if (ts.isCallExpression(node) && loads(node.expression)) {
      add(node, node.arguments[0], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** `import(…)`, `require(…)`, `createRequire(…)(…)`, and whatever name its result was given, if that says require. */
function loads(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  if (ts.isCallExpression(callee)) return callee.expression.getText() === 'createRequire'
  const name = ts.isIdentifier(callee) ? callee.text : ts.isPropertyAccessExpression(callee) ? callee.name.text : ''
  return /^(require|resolve)$|Require$/.test(name)
}

function resolve(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return new URL(specifier, `file:///${file}`).pathname.slice(1)
}

interface Rule {
  readonly name: string
  /** Whether `from` may not import `target`. */
  readonly forbids: (from: string, target: string) => boolean
}

const inKernel = (path: string): boolean => path.startsWith('src/kernel/')
const inBackends = (path: string): boolean => path.startsWith('src/backends/')
const inTesting = (path: string): boolean => path.startsWith('src/testing/')
const inNode = (path: string): boolean => path.startsWith('src/node/')
const inNative = (path: string): boolean => path.startsWith('src/native/')
const isBinding = (target: string): boolean => /(^|\/)binding(\.c?js|\.d\.ts)?$|\.node$/.test(target)
/** The face of the library: `src/*.ts`, `src/streams`, `src/sync`, `src/testing`. `src/node` adapts to Node's classes. */
const isConcept = (path: string): boolean =>
  path.startsWith('src/') && !inKernel(path) && !inBackends(path) && !inNative(path) && !inNode(path)
const backendFolder = (path: string): string | undefined => /^src\/backends\/(\w+)\//.exec(path)?.[1]
const isContract = (path: string): boolean => path.startsWith('src/backends/contract/')
const FACE = 'src/kernel/index.ts'
/** Rooms beside the backends that all of them use. */
const ROOMS = ['contract', 'shared']
/** Helpers without a concept: the backends use them too. */
const PLAIN = [
  'src/errors.ts',
  'src/common/validate.ts',
  'src/common/peer-address.ts',
  'src/common/shared-memory.ts',
  'src/common/send-buffer.ts',
]
/** Sockets, files and processes: what a backend is for. */
const NODE_IO = /^(node:)?(net|tls|dgram|dns|fs|child_process)(\/promises)?$/

export const importRules: readonly Rule[] = [
  {
    name: 'only src/native imports the generated binding',
    forbids: (from, target) => isBinding(target) && !inNative(from),
  },
  {
    name: 'only src/backends/native imports src/native',
    forbids: (from, target) => inNative(target) && !inNative(from) && !from.startsWith('src/backends/native/'),
  },
  {
    name: 'src/native imports nothing of the library but its contracts',
    forbids: (from, target) => inNative(from) && target.startsWith('src/') && !inNative(target),
  },
  {
    name: 'concept modules do no I/O of their own; src/tls/files.ts alone reads what a TLS context is made of',
    forbids: (from, target) =>
      isConcept(from) && NODE_IO.test(target) && !(from === 'src/tls/files.ts' && target === 'node:fs'),
  },
  {
    name: 'concept modules know the backend contract; run.ts alone also chooses one and takes its options',
    forbids: (from, target) =>
      isConcept(from) &&
      !inTesting(from) &&
      inBackends(target) &&
      !isContract(target) &&
      !(from === 'src/run.ts' && /^src\/backends\/(select|(\w+\/)?options)\.ts$/.test(target)),
  },
  {
    name: 'of the backends, src/testing knows the contract and the virtual one',
    forbids: (from, target) =>
      inTesting(from) && inBackends(target) && !isContract(target) && !target.startsWith('src/backends/virtual/'),
  },
  {
    name: 'src/testing is for tests: nothing in the library needs it',
    forbids: (from, target) => inTesting(target) && !inTesting(from),
  },
  {
    name: 'src/node stands beside the concepts: nothing in the library needs it, and it knows no backend',
    forbids: (from, target) =>
      (inNode(target) && !inNode(from)) || (inNode(from) && inBackends(target) && !isContract(target)),
  },
  {
    name: 'src/node does no I/O: of node:net, node:tls and the like it knows the types, and the classes to tell apart',
    forbids: (from, target) => inNode(from) && /^(node:)?(dgram|dns|fs|child_process)(\/promises)?$/.test(target),
  },
  {
    name: 'the kernel imports only itself, errors.ts, node:async_hooks and node:diagnostics_channel',
    forbids: (from, target) =>
      inKernel(from) &&
      !inKernel(target) &&
      !['src/errors.ts', 'node:async_hooks', 'node:diagnostics_channel'].includes(target),
  },
  {
    name: 'the kernel has one face: src/kernel/index.ts',
    forbids: (from, target) => inKernel(target) && inKernel(from) === (target === FACE),
  },
  {
    name: 'src/common imports the kernel, errors.ts, the contract and itself',
    forbids: (from, target) =>
      from.startsWith('src/common/') &&
      target.startsWith('src/') &&
      !isContract(target) &&
      ![FACE, 'src/errors.ts'].includes(target) &&
      !target.startsWith('src/common/'),
  },
  {
    name: 'the contract imports errors.ts and itself',
    forbids: (from, target) =>
      isContract(from) && target.startsWith('src/') && target !== 'src/errors.ts' && !isContract(target),
  },
  {
    name: 'backends do not import concept modules',
    forbids: (from, target) => inBackends(from) && isConcept(target) && !PLAIN.includes(target),
  },
  {
    name: 'a backend does not import another one',
    forbids: (from, target) =>
      backendFolder(from) !== undefined &&
      backendFolder(target) !== undefined &&
      !ROOMS.includes(backendFolder(target)!) &&
      backendFolder(from) !== backendFolder(target),
  },
  {
    name: 'relative imports name a file with its extension',
    forbids: (_, target) => /^(src|index)\b/.test(target) && !/\.(ts|cjs|node)$/.test(target),
  },
  {
    name: 'nothing imports a barrel',
    forbids: (_, target) => /^(index\.ts|src\/(testing|node)\/index\.ts|structio(\/\w+)?)$/.test(target),
  },
  {
    name: 'no dependencies: a library with none cannot be attacked through them',
    // Its own name is none: by it, src/native/load.ts finds the package from inside a bundle.
    forbids: (_, target) => !/^(node:|src\/|index\.ts$|structio\/package\.json$)/.test(target),
  },
]

/** One line for each import that a rule forbids, and for each cycle. */
export function violations(sources: Sources): string[] {
  const imports = [...sources].flatMap(([file, text]) => importsOf(file, text))
  const forbidden = importRules.flatMap((rule) =>
    imports
      .filter(({ file, target }) => rule.forbids(file, target))
      .map(({ file, target, line }) => `${file}:${line} imports ${target}: ${rule.name}`),
  )
  return [...forbidden, ...cycles(imports)]
}

/** Import cycles that exist at run time. Each is told once, as the path that closes it. */
function cycles(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>()
  for (const { file, target, typeOnly } of imports) {
    if (!typeOnly) targets.set(file, [...(targets.get(file) ?? []), target])
  }
  const done = new Set<string>()
  const path: string[] = []
  const found: string[] = []
  const visit = (file: string): void => {
    if (path.includes(file)) {
      found.push(`import cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`)
      return
    }
    if (done.has(file)) return
    path.push(file)
    for (const target of targets.get(file) ?? []) visit(target)
    path.pop()
    done.add(file)
  }
  for (const file of targets.keys()) visit(file)
  return found
}

/**
 * The names a barrel exports, and what is in it besides `export { a, b } from './src/…ts'`. Type exports count as
 * names: the public API is both.
 *
 * @param inside - what it may take names from
 */
export function readBarrel(text: string, inside: RegExp = /^\.\/src\//): { names: string[]; strange: string[] } {
  const source = ts.createSourceFile('index.ts', text, ts.ScriptTarget.Latest, true)
  const names: string[] = []
  const strange: string[] = []
  for (const statement of source.statements) {
    const exported = ts.isExportDeclaration(statement) ? statement : undefined
    const specifier = exported?.moduleSpecifier
    if (
      exported?.exportClause !== undefined &&
      ts.isNamedExports(exported.exportClause) &&
      specifier !== undefined &&
      ts.isStringLiteral(specifier) &&
      inside.test(specifier.text) &&
      /^[\w./-]+\.ts$/.test(specifier.text)
    ) {
      for (const element of exported.exportClause.elements) {
        names.push(element.name.text)
        // "There are no aliases": one name for one thing, inside and outside.
        if (element.propertyName !== undefined) strange.push(element.getText())
      }
    } else {
      strange.push(statement.getText())
    }
  }
  return { names, strange }
}

/** The names that a rolled-up declaration file exports. */
export function exportedNames(declarations: string): string[] {
  const source = ts.createSourceFile('index.d.ts', declarations, ts.ScriptTarget.Latest, true)
  return source.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      return statement.exportClause.elements.map((element) => element.name.text)
    }
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)
    if (!isExported) return []
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.map((declaration) => declaration.name.getText())
    }
    return 'name' in statement ? [(statement.name as ts.Identifier).text] : []
  })
}

/** A row of docs/porting-from-anyio.md: the names of its "here" column, and whether they exist yet. */
export interface PortingRow {
  readonly names: readonly string[]
  readonly exists: boolean
}

/** Reads the tables `| AnyIO 1.1 | AnyIO 4 | here | state |`. `` `TaskGroup.spawn` `` names the export `TaskGroup`. */
export function readPortingTable(markdown: string): PortingRow[] {
  return markdown
    .split('\n')
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .filter((cells) => cells.length === 6 && (cells[4] === 'here' || cells[4]?.startsWith('later')))
    .map((cells) => ({
      names: [...(cells[3] ?? '').matchAll(/`(\w+)[^`]*`/g)].map((match) => match[1] as string),
      exists: cells[4] === 'here',
    }))
}
