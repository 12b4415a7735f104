/**
 * A list of named steps with a closing summary. The last line printed is always `N passed, N failed`: `.ci/run` adds
 * those lines up, so a step that counts nothing itself (a linter) is one of either.
 */
export function createReport(title) {
  const steps = []

  /**
   * Runs one step. `action` may return `{ passed, failed }`, what it counted; without it the step counts as one pass.
   * A step that throws is one failure, and `step` returns false: the caller decides whether going on makes sense.
   */
  async function step(name, action) {
    console.log(`\n── ${name} ${'─'.repeat(Math.max(0, 100 - name.length))}`)
    const started = performance.now()
    let counts
    try {
      counts = (await action()) ?? { passed: 1, failed: 0 }
    } catch (error) {
      console.error(error instanceof Error ? error.message : error)
      counts = { passed: 0, failed: 1 }
    }
    steps.push({ name, ...counts, seconds: (performance.now() - started) / 1000 })
    return counts.failed === 0
  }

  /** Prints the summary and sets the process's exit code. */
  function finish() {
    const total = (key) => steps.reduce((sum, step) => sum + step[key], 0)
    console.log(`\n── ${title}: summary ${'─'.repeat(Math.max(0, 90 - title.length))}`)
    for (const { name, passed, failed, seconds } of steps) {
      const counts = `${String(passed).padStart(5)} passed ${String(failed).padStart(3)} failed`
      console.log(`${failed === 0 ? '✔' : '✘'} ${name.padEnd(44)} ${counts} ${seconds.toFixed(1).padStart(7)} s`)
    }
    console.log(`${total('passed')} passed, ${total('failed')} failed`)
    process.exitCode = total('failed') === 0 ? 0 : 1
  }

  return { step, finish }
}
