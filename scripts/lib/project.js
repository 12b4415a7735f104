/**
 * Where things are. Everything in `scripts/` is plain JavaScript without dependencies, because it has to work on a
 * fresh clone, before the first install.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export const inRoot = (...parts) => join(root, ...parts)

/** The script behind a dependency's command, so that the running Node executes it and no shell or PATH is involved. */
export function binOf(packageName, command = packageName) {
  const manifest = inRoot('node_modules', packageName, 'package.json')
  const { bin } = createRequire(manifest)(manifest)
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[command])
}

export const readJson = (...parts) => JSON.parse(readFileSync(inRoot(...parts), 'utf8'))
