/** The async operations that a rolled-up declaration file offers. */
import ts from 'typescript'
import { exportedNames } from '../source-graph.ts'

/**
 * `name` and `Class.method` of what returns a promise or iterates asynchronously; inherited methods too.
 *
 * @param imported - declarations of the classes that those of this file extend
 */
export function asyncOperations(declarations: string, imported = ''): string[] {
  const source = ts.createSourceFile('index.d.ts', declarations, ts.ScriptTarget.Latest, true)
  const exported = new Set(exportedNames(declarations))
  const classes = new Map<string, Declaration>()
  const found: string[] = []
  for (const statement of ts.createSourceFile('imported.d.ts', imported, ts.ScriptTarget.Latest, true).statements) {
    if (ts.isClassDeclaration(statement)) classes.set(statement.name!.text, statement)
  }
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement) && exported.has(statement.name!.text) && isAsync(statement.type)) {
      found.push(statement.name!.text)
    } else if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
      classes.set(statement.name!.text, statement)
    }
  }
  for (const name of exported) found.push(...methodsOf(name, classes).map((method) => `${name}.${method}`))
  return [...new Set(found)]
}

type Declaration = ts.ClassDeclaration | ts.InterfaceDeclaration

function methodsOf(name: string, classes: ReadonlyMap<string, Declaration>): string[] {
  const declaration = classes.get(name)
  if (declaration === undefined) return []
  const own = declaration.members.flatMap((member) =>
    (ts.isMethodDeclaration(member) || ts.isMethodSignature(member)) && isAsync(member.type)
      ? [member.name.getText()]
      : [],
  )
  const bases = declaration.heritageClauses?.filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword) ?? []
  return [
    ...own,
    ...bases.flatMap(({ types }) => types.flatMap((type) => methodsOf(type.expression.getText(), classes))),
  ]
}

function isAsync(type: ts.TypeNode | undefined): boolean {
  return (
    type !== undefined && /^(Promise(Like)?|Async(Iterable|Iterator|IterableIterator|Generator))</.test(type.getText())
  )
}
