/** What "used" means: the public function is called, or the member of the public class is reached, and something is asserted. */
import type { ExecutionContext } from 'ava'
import type { TestBackend } from '../backends.ts'

/** Uses an item in a task of a run of that backend, and asserts what comes of it. */
export type Use = (t: ExecutionContext, backend: TestBackend) => unknown

/** Abstract ones, and those whose constructor is nobody's, too. */
export interface Class {
  readonly name: string
  readonly prototype: object
}

export interface Entry {
  readonly use: Use
  /** Called outside of every run. */
  readonly outside?: boolean
  /** Where it has to fail with an `UnsupportedError`. */
  readonly unsupported?: (backend: TestBackend) => boolean
  /** Members of which classes it has to reach: one of them suffices. */
  readonly reaches?: readonly { readonly of: Class; readonly member: PropertyKey }[]
  /** The function whose call stands in the use. */
  readonly calls?: string
}

/** Uses of free functions: the name here, by the rule; the call has to stand in the use. */
export function functions(uses: Readonly<Record<string, Use | Entry>>): Record<string, Entry> {
  return Object.fromEntries(
    Object.entries(uses).map(([item, given]) => {
      const entry = typeof given === 'function' ? { use: given } : given
      return [item, { calls: camelCase(item), ...entry }]
    }),
  )
}

/** Uses of a class's members, in the reference's names. */
export function members(
  name: string,
  classes: readonly Class[],
  uses: Readonly<Record<string, Use | Entry>>,
): Record<string, Entry> {
  return Object.fromEntries(
    Object.entries(uses).map(([member, given]) => {
      const entry = typeof given === 'function' ? { use: given } : given
      const reaches = classes.map((of) => ({ of, member: camelCase(member) }))
      return [`${name}.${member}`, { reaches, ...entry }]
    }),
  )
}

export function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** Calls `body`, and tells whether one of these members was reached meanwhile. */
export async function reaching(targets: NonNullable<Entry['reaches']>, body: () => Promise<unknown>): Promise<boolean> {
  let reached = false
  const undo: (() => void)[] = []
  for (const { of, member } of targets) {
    const { prototype } = of
    const found = Object.getOwnPropertyDescriptor(prototype, member)
    if (found === undefined) continue
    const { value, get } = found as { value?: unknown; get?: () => unknown }
    const watched: PropertyDescriptor =
      get === undefined
        ? {
            ...found,
            value(this: unknown, ...args: unknown[]) {
              reached = true
              return (value as (...given: unknown[]) => unknown).apply(this, args)
            },
          }
        : {
            ...found,
            get(this: unknown) {
              reached = true
              return get.call(this)
            },
          }
    Object.defineProperty(prototype, member, watched)
    undo.push(() => Object.defineProperty(prototype, member, found))
  }
  try {
    await body()
  } finally {
    for (const restore of undo) restore()
  }
  return reached
}
