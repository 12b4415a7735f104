import tseslint from 'typescript-eslint'

const PROCESS_EVENTS = {
  selector:
    'CallExpression[callee.object.name="process"][callee.property.name=/^(on|once|addListener|prependListener)$/]',
  message: 'A listener changes the host process: those of signals belong to src/signals/listeners.ts.',
}

/**
 * Two jobs. A floating promise is a bug in a library that promises to leave nothing running; and the linter guards the
 * structure: which module owns timers and process events. The import rules between folders are asserted by
 * `__test__/architecture.spec.ts`, which sees the whole graph.
 */
export default tseslint.config(
  {
    ignores: [
      'dist/',
      'target/',
      '**/node_modules/',
      'index.d.ts',
      'index.d.cts',
      'testing.d.ts',
      'testing.d.cts',
      'node.d.ts',
      'node.d.cts',
      'src/native/binding.*',
      'bench/results/',
    ],
  },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-unsafe-finally': 'error',
      'no-restricted-syntax': ['error', ...syntax()],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // `void promise` is how code says that a promise is looked after elsewhere, and a reader can ask where.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true, checkThenables: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // An `async` function without an await is how bad arguments become a rejection instead of a throw.
      '@typescript-eslint/require-await': 'off',
      // A task may fail with anything, `undefined` and 0 too, and what it threw is passed on as it is.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingAny: false, allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // A walk up the tree of scopes starts at `this`.
      '@typescript-eslint/no-this-alias': 'off',
      // `await null` is how code waits for one microtask.
      '@typescript-eslint/await-thenable': 'off',
      // Methods are taken to be called with `.call`, or to be compared.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['src/**/*.ts', 'index.ts'],
    rules: {
      'no-restricted-globals': ['error', ...timers()],
      'no-restricted-imports': ['error', { paths: timerModules() }],
      'no-restricted-syntax': ['error', ...syntax(), PROCESS_EVENTS],
      'no-console': 'error',
    },
  },
  // The owners. A module is added here together with the sentence that says why it needs what the others may not have.
  {
    // Signals, for shutdown and for receivers: while somebody receives one, the others' listeners are taken off and put back.
    files: ['src/signals/listeners.ts'],
    rules: { 'no-restricted-syntax': ['error', ...syntax()] },
  },
  {
    // The thread's one timer, under the deadline heap.
    files: ['src/kernel/clock.ts'],
    rules: { 'no-restricted-globals': ['error', ...timers('setTimeout')] },
  },
  {
    // What keeps the process alive while a run is active.
    files: ['src/kernel/keep-alive.ts'],
    rules: { 'no-restricted-globals': ['error', ...timers('setInterval')] },
  },
  {
    // A program of its own: the process is its.
    files: ['src/threads/process-program.ts'],
    rules: { 'no-restricted-syntax': ['error', ...syntax()] },
  },
  {
    // Idle threads end after a while: real time, whatever clock a run has.
    files: ['src/threads/pool.ts'],
    rules: { 'no-restricted-globals': ['error', ...timers('setInterval')] },
  },
  {
    // Giving way to the event loop: the one place that waits for its check phase.
    files: ['src/kernel/iteration.ts'],
    rules: { 'no-restricted-globals': ['error', ...timers('setImmediate')] },
  },
  {
    // Backends live in the event loop's phases; the rest of the code must not know that there are any.
    files: [
      'src/backends/*/**/*.ts',
      'src/backends/shared/later.ts',
      'src/backends/shared/node-files.ts',
      'src/backends/shared/stop-process.ts',
    ],
    rules: { 'no-restricted-globals': ['error', ...timers('setImmediate', 'setTimeout')] },
  },
  {
    // A test that fails shows its values; casts and loose types there are about the input of a case, not about safety.
    files: ['__test__/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  {
    // Parameters of callbacks there exist for their types.
    files: ['__test__/types/*.types.ts'],
    rules: { '@typescript-eslint/no-unused-vars': 'off' },
  },
)

function syntax() {
  return [
    {
      selector: 'MemberExpression[property.name="enterWith"]',
      message: 'enterWith leaks the frame into the caller: enter frames with `run`.',
    },
    {
      selector: 'CallExpression[callee.object.name="test"][callee.property.name="only"]',
      message: 'test.only silences every other test of the file.',
    },
  ]
}

function timers(...allowed) {
  return ['setTimeout', 'setInterval', 'setImmediate']
    .filter((name) => !allowed.includes(name))
    .map((name) => ({ name, message: 'Timers belong to src/kernel/clock.ts, loop phases to the backends.' }))
}

function timerModules() {
  return ['timers', 'node:timers', 'timers/promises', 'node:timers/promises'].map((name) => ({
    name,
    message: 'Timers belong to src/kernel/clock.ts.',
  }))
}
