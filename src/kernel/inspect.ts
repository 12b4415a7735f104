/** Scopes, tasks and groups are linked into one tree: printed as they are, each would print all of it. */
export const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** `Name { part, part }` of the parts that say something. */
export function oneLine(name: string, parts: readonly (string | false | undefined)[]): string {
  const said = parts.filter((part) => typeof part === 'string')
  return said.length === 0 ? `${name} {}` : `${name} { ${said.join(', ')} }`
}
