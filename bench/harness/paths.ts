import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export function inBench(...parts: string[]): string {
  return join(root, 'bench', ...parts)
}

/** What was compiled for the benchmarks (`npm run build -- load`). */
export function inTarget(name: string): string {
  return join(root, 'target', 'load', process.platform === 'win32' ? `${name}.exe` : name)
}

export const loadGenerator = inTarget('structio-load')
