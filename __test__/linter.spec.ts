/** The linter finds the mistakes that it is configured for: each is planted in place of a real file, and has to be found. */
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { ESLint } from 'eslint'

const linter = new ESLint({ cwd: fileURLToPath(new URL('../', import.meta.url)) })

async function rulesBrokenBy(text: string, filePath: string): Promise<string[]> {
  const results = await linter.lintText(text, { filePath })
  return results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => ruleId ?? message))
}

const planted: [what: string, file: string, text: string, rule: string][] = [
  [
    'a promise that is not awaited',
    'src/common/addresses.ts',
    'export function f(): void {\n  Promise.resolve(1)\n}\n',
    '@typescript-eslint/no-floating-promises',
  ],
  [
    'an async function where a callback without a promise is expected',
    'src/common/addresses.ts',
    'export const f = (list: number[]): void => list.forEach(async () => {})\n',
    '@typescript-eslint/no-misused-promises',
  ],
  [
    'a timer in a module that does not own timers',
    'src/common/addresses.ts',
    'export const f = (): unknown => setTimeout(() => {}, 1)\n',
    'no-restricted-globals',
  ],
  [
    'a timer in the module of the kernel that owns immediates alone',
    'src/kernel/turn.ts',
    'export const f = (): unknown => setTimeout(() => {}, 1)\n',
    'no-restricted-globals',
  ],
  [
    'timers by import',
    'src/kernel/task.ts',
    "import { setTimeout } from 'node:timers/promises'\nexport const f = (): unknown => setTimeout(1)\n",
    'no-restricted-imports',
  ],
  [
    'a listener on the process outside its owner',
    'src/kernel/task.ts',
    "process.on('SIGINT', () => {})\n",
    'no-restricted-syntax',
  ],
  [
    'a frame that leaks into its caller',
    'src/run.ts',
    "import type { AsyncLocalStorage } from 'node:async_hooks'\nexport const f = (als: AsyncLocalStorage<number>): void => als.enterWith(1)\n",
    'no-restricted-syntax',
  ],
  [
    'a test that silences the others',
    '__test__/linter.spec.ts',
    "import test from 'ava'\ntest.only('x', (t) => t.pass())\n",
    'no-restricted-syntax',
  ],
]

for (const [what, file, text, rule] of planted) {
  test(`the linter finds ${what}`, async (t) => {
    t.deepEqual(await rulesBrokenBy(text, file), [rule])
  })
}

test('the linter leaves the owners of timers and process events alone', async (t) => {
  t.deepEqual(
    await rulesBrokenBy('export const f = (): unknown => setTimeout(() => {}, 1)\n', 'src/kernel/clock.ts'),
    [],
  )
  t.deepEqual(await rulesBrokenBy("process.once('SIGINT', () => {})\n", 'src/signals/listeners.ts'), [])
})
