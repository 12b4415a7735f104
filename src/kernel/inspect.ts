/** Scopes, tasks and groups form one tree. Without a method of this name, printing one would print the whole tree. */
export const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** `Name { part, part }`, without the parts that are false or undefined. */
export function oneLine(name: string, parts: readonly (string | false | undefined)[]): string {
  const said = parts.filter((part) => typeof part === 'string')
  return said.length === 0 ? `${name} {}` : `${name} { ${said.join(', ')} }`
}
