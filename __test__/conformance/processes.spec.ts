/** Child processes: running, communicating, ending them. The children are programs of the system. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { kill } from 'node:process'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import {
  CalledProcessError,
  ClosedResourceError,
  createTaskGroup,
  gather,
  moveOnAfter,
  openCancelScope,
  openProcess,
  type Process,
  runProcess,
  sleepForever,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { exists, gone, node } from '../support/processes.ts'

/** Says that it is there, and ignores SIGTERM. */
const STUBBORN = ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 1; done']

/** Waits for the end of input, and copies all of it to both outputs. */
const BOTH = node(`
  process.stdin.on('data', (data) => { process.stdout.write(data); process.stderr.write(data) })
`)

const MIB = 1024 * 1024

/** Bytes that show where something is missing. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i += 4) bytes.writeUInt32LE((i * 2654435761) >>> 0, i)
  return bytes
}

eachBackend(test, 'a program runs to its end, and what it wrote is there', async (t, backend) => {
  await backend.run(async () => {
    const command = node(`process.stdout.write('out'); process.stderr.write('err')`)
    const { stdout, stderr, returncode } = await runProcess(command)
    t.deepEqual([stdout.toString(), stderr.toString(), returncode], ['out', 'err', 0])
    t.true(Buffer.isBuffer(stdout))
  })
})

eachBackend(test, 'an array is executed as it is, a string goes to the shell', async (t, backend) => {
  await backend.run(async () => {
    t.is((await runProcess(['echo', '$HOME', '*', 'a b'])).stdout.toString(), '$HOME * a b\n')
    t.is((await runProcess('echo a  b | tr a-z A-Z; exit 0')).stdout.toString(), 'A B\n')
  })
})

eachBackend(test, 'what it is given is what it reads: input, environment, folder', async (t, backend) => {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  await backend.run(async () => {
    t.is((await runProcess(['cat'], { input: 'grüße' })).stdout.toString(), 'grüße')
    t.is((await runProcess(['cat'], { input: new Uint8Array([1, 2]) })).stdout.length, 2)
    t.is((await runProcess(['cat'], { input: '' })).stdout.length, 0)
    // Without input there is none, whatever this process has.
    t.is((await runProcess(['cat'])).stdout.length, 0)
    const env = { PATH: process.env.PATH, GREETING: 'hello world', EMPTY: '', NONE: undefined }
    const { stdout } = await runProcess(['env'], { env })
    t.deepEqual(stdout.toString().trim().split('\n').sort(), [
      'EMPTY=',
      'GREETING=hello world',
      `PATH=${process.env.PATH}`,
    ])
    for (const cwd of [folder, pathToFileURL(folder)]) {
      t.is((await runProcess(['pwd'], { cwd })).stdout.toString().trim(), folder)
    }
  })
})

eachBackend(
  test,
  'a return code that is not 0 is an error with the outputs, unless it is not checked',
  async (t, backend) => {
    await backend.run(async () => {
      const command = 'echo out; echo err >&2; exit 3'
      const error = await t.throwsAsync(() => runProcess(command), { instanceOf: CalledProcessError })
      t.is(error.code, 'ERR_CALLED_PROCESS')
      t.deepEqual([error.returncode, String(error.stdout), String(error.stderr)], [3, 'out\n', 'err\n'])
      t.is(error.command, command)
      t.is(error.cmd, command)
      t.is((await runProcess(command, { check: false })).returncode, 3)
      t.is((await runProcess('kill -KILL $$', { check: false })).returncode, -9)
      t.is((await runProcess('kill -TERM $$', { check: false })).returncode, -15)
      await t.throwsAsync(() => runProcess('kill -HUP $$'), { message: /signal 1$/ })
    })
  },
)

eachBackend(test, 'P3: a MiB on both pipes and large input do not lock each other up', async (t, backend) => {
  await backend.run(async () => {
    const input = pattern(3 * MIB)
    const { stdout, stderr } = await runProcess(BOTH, { input })
    t.true(stdout.equals(input))
    t.true(stderr.equals(input))
    const both = node(`process.stdout.write('x'.repeat(${MIB})); process.stderr.write('y'.repeat(${MIB}))`)
    const completed = await runProcess(both)
    t.deepEqual([completed.stdout.length, completed.stderr.length], [MIB, MIB])
  })
})

eachBackend(test, 'P3: a process that writes what nobody reads can be closed', async (t, backend) => {
  await backend.run(async () => {
    const process = await openProcess(['head', '-c', String(MIB), '/dev/zero'])
    await process.close()
    // Of a socket that is closed with bytes unread the child hears `ECONNRESET`, and not SIGPIPE.
    t.true([-13, 1].includes(process.returncode!))
    // One that takes it for an error, and goes on.
    const other = await openProcess(['sh', '-c', `trap "" PIPE; head -c ${MIB} /dev/zero; exit 7`])
    await other.close()
    t.is(other.returncode, 7)
  })
})

eachBackend(test, 'P1: a block that is cancelled leaves no process behind', async (t, backend) => {
  await backend.run(async () => {
    let process: Process | undefined
    await openCancelScope(async (scope) => {
      await openProcess(['sleep', '600'], async (opened) => {
        process = opened
        scope.cancel()
        await sleepForever()
      })
    })
    const { pid, returncode, stdin, stdout, stderr } = process!
    t.is(returncode, -15)
    t.false(exists(pid))
    await t.throwsAsync(() => stdout!.receiveSome(), { instanceOf: ClosedResourceError })
    await t.throwsAsync(() => stderr!.receiveSome(), { instanceOf: ClosedResourceError })
    await t.throwsAsync(() => stdin!.sendAll('x'), { instanceOf: ClosedResourceError })
  })
})

eachBackend(
  test,
  'P1: so does a run-and-capture, and a wait under a deadline only ends the wait',
  async (t, backend) => {
    await backend.run(async () => {
      const line = 'echo $$; exec sleep 600'
      await openProcess(line, async (process) => {
        const pid = Number(await process.stdout.receiveUntil('\n', 20))
        t.is(pid, process.pid)
        t.is(await moveOnAfter(10, () => process.wait()), undefined)
        t.is(process.returncode, null)
        t.true(exists(pid))
        process.terminate()
        t.is(await process.wait(), -15)
      })
      const folder = mkdtempSync(join(tmpdir(), 'structio-'))
      t.teardown(() => rmSync(folder, { recursive: true }))
      let pid = 0
      await openCancelScope(async (scope) => {
        await createTaskGroup(async (tg) => {
          tg.spawn(() => runProcess(`echo $$ > pid; echo ready; exec sleep 600`, { cwd: folder }))
          while (pid === 0) {
            await moveOnAfter(1, () => sleepForever())
            try {
              pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
            } catch {
              // Not yet.
            }
          }
          scope.cancel()
        })
      })
      t.false(exists(pid))
    })
  },
)

eachBackend(test, 'one that ignores SIGTERM is killed after its grace', async (t, backend) => {
  await backend.run(async () => {
    let process: Process | undefined
    await openCancelScope(async (scope) => {
      await openProcess(STUBBORN, { killAfter: 50 }, async (opened) => {
        process = opened
        await opened.stdout.receiveUntil('ready\n', 0)
        scope.cancel()
        await sleepForever()
      })
    })
    t.is(process!.returncode, -9)
    t.false(exists(process!.pid))
  })
})

eachBackend(test, 'one that wants to tidy up before it ends can', async (t, backend) => {
  await backend.run(async () => {
    let process: Process | undefined
    await openCancelScope(async (scope) => {
      const polite = 'trap "exit 42" TERM; echo ready; while :; do sleep 0.01; done'
      await openProcess(polite, async (opened) => {
        process = opened
        await opened.stdout.receiveUntil('ready\n', 0)
        scope.cancel()
        await sleepForever()
      })
    })
    t.is(process!.returncode, 42)
  })
})

eachBackend(test, 'a body that fails ends the process; one that returns waits for it', async (t, backend) => {
  await backend.run(async () => {
    let process: Process | undefined
    await t.throwsAsync(
      () =>
        openProcess(['sleep', '600'], (opened) => {
          process = opened
          throw new Error('of the body')
        }),
      { message: 'of the body' },
    )
    t.is(process!.returncode, -15)
    t.false(exists(process!.pid))
    const value = await openProcess('cat > /dev/null; exit 5', (opened) => {
      process = opened
      return 'value'
    })
    t.deepEqual([value, process!.returncode], ['value', 5])
  })
})

eachBackend(test, 'closing in a cancelled scope ends and reaps it, and raises no cancellation', async (t, backend) => {
  await backend.run(async () => {
    const [first, second] = await gather([() => openProcess(['sleep', '600']), () => openProcess(['sleep', '600'])])
    await openCancelScope(async (scope) => {
      scope.cancel()
      await t.notThrowsAsync(first.close())
      t.is(first.returncode, -15)
      await second[Symbol.asyncDispose]()
      t.is(second.returncode, -15)
    })
    t.false(exists(first.pid) || exists(second.pid))
    // Cancelled while it waits.
    const third = await openProcess(['sleep', '600'])
    await openCancelScope((scope) =>
      createTaskGroup(async (tg) => {
        tg.spawn(() => third.close())
        await waitAllTasksBlocked()
        scope.cancel()
      }),
    )
    t.is(third.returncode, -15)
    t.false(exists(third.pid))
    await t.throwsAsync(() => third.stdout.receiveSome(), { instanceOf: ClosedResourceError })
  })
})

eachBackend(test, 'a whole group is ended with its leader, where that was asked for', async (t, backend) => {
  await backend.run(async () => {
    const parent = 'sleep 600 & echo $!; echo $$; wait'
    for (const processGroup of [true, false]) {
      let child = 0
      let process: Process | undefined
      await openCancelScope(async (scope) => {
        await openProcess(parent, { processGroup }, async (opened) => {
          process = opened
          child = Number(await opened.stdout.receiveUntil('\n', 20))
          await opened.stdout.receiveUntil('\n', 20)
          scope.cancel()
          await sleepForever()
        })
      })
      t.is(process!.returncode, -15)
      if (processGroup) await gone(child)
      else {
        t.true(exists(child))
        globalThis.process.kill(child, 'SIGKILL')
        await gone(child)
      }
    }
  })
})

eachBackend(
  test,
  'of a group also those go that ignore SIGTERM, and a leader that has gone makes no difference',
  async (t, backend) => {
    await backend.run(async () => {
      const line = `(trap "" TERM; echo ready; while :; do sleep 1; done) & echo $!; exit 0`
      let child = 0
      await openCancelScope(async (scope) => {
        await openProcess(line, { processGroup: true, killAfter: 30 }, async (opened) => {
          const text =
            String(await opened.stdout.receiveUntil('\n', 20)) + String(await opened.stdout.receiveUntil('\n', 20))
          child = Number(/\d+/.exec(text)![0])
          t.is(await opened.wait(), 0)
          scope.cancel()
          await sleepForever()
        })
      })
      await gone(child)
      t.pass()
    })
  },
)

eachBackend(test, 'a group of which only zombies are left has gone', async (t, backend) => {
  if (platform() !== 'linux') {
    t.pass()
    return
  }
  await backend.run(async () => {
    // The one that leaves the group does not reap its child, which stays in it.
    const line = '(true & exec setsid sleep 600) & echo $!; exec sleep 600'
    let parent = 0
    // Far longer than a test may take.
    await openCancelScope((scope) =>
      openProcess(line, { processGroup: true, killAfter: 3_600_000 }, async ({ stdout }) => {
        parent = Number(await stdout.receiveUntil('\n', 20))
        scope.cancel()
        await sleepForever()
      }),
    )
    t.true(exists(parent))
    kill(parent)
    await gone(parent)
  })
})

eachBackend(
  test,
  'wait returns at the exit though a grandchild holds the pipe, to several tasks',
  async (t, backend) => {
    await backend.run(async () => {
      await openProcess('sleep 600 & echo $!; exit 3', async (process) => {
        const grandchild = Number(await process.stdout.receiveUntil('\n', 20))
        t.deepEqual(await gather([() => process.wait(), () => process.wait(), () => process.wait()]), [3, 3, 3])
        t.is(await process.wait(), 3)
        t.true(exists(grandchild))
        globalThis.process.kill(grandchild, 'SIGKILL')
        // Only now there is an end.
        t.is((await process.stdout.receiveSome()).length, 0)
      })
    })
  },
)

eachBackend(test, 'signals reach it, by name and by number, and none does when it has ended', async (t, backend) => {
  await backend.run(async () => {
    await openProcess('trap "echo usr1" USR1; echo ready; while :; do sleep 0.01; done', async (process) => {
      await process.stdout.receiveUntil('ready\n', 0)
      process.sendSignal('SIGUSR1')
      await process.stdout.receiveUntil('usr1\n', 0)
      process.sendSignal(10)
      await process.stdout.receiveUntil('usr1\n', 0)
      for (const bad of ['SIGNAL', 'TERM', 99, 1.5, NaN, -1]) {
        t.throws(() => process.sendSignal(bad as number), { code: 'ERR_OUT_OF_RANGE' })
      }
      t.throws(() => process.sendSignal(undefined as never), { code: 'ERR_INVALID_ARG_TYPE' })
      process.kill()
      t.is(await process.wait(), -9)
      process.kill()
      process.terminate()
      process.sendSignal('SIGHUP')
    })
  })
})

eachBackend(test, 'after its close nothing can be done with it, and its outcome is known', async (t, backend) => {
  await backend.run(async () => {
    const process = await openProcess('exit 3')
    await process.close()
    await process.close()
    await process[Symbol.asyncDispose]()
    t.is(process.returncode, 3)
    t.true(process.pid > 1)
    await t.throwsAsync(() => process.wait(), { instanceOf: ClosedResourceError })
    for (const call of [() => process.terminate(), () => process.kill(), () => process.sendSignal('SIGHUP')]) {
      t.throws(call, { instanceOf: ClosedResourceError })
    }
  })
})

eachBackend(test, 'who waits in another task hears of the end that a close brings about', async (t, backend) => {
  await backend.run(async () => {
    const process = await openProcess(['cat'])
    await createTaskGroup(async (tg) => {
      const waiting = tg.spawn(() => process.wait())
      await waitAllTasksBlocked()
      await process.close()
      t.is(await waiting.value(), 0)
    })
  })
})

eachBackend(test, 'one that is left open is ended with its run, with a warning', async (t, backend) => {
  const warnings: Error[] = []
  const hear = (warning: Error): void => void warnings.push(warning)
  process.on('warning', hear)
  let left: Process | undefined
  await backend.run(async () => {
    left = await openProcess(['sleep', '600'])
  })
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', hear)
  t.is(left!.returncode, -15)
  t.false(exists(left!.pid))
  t.is(warnings.length, 1)
  t.regex(warnings[0]!.message, /^process \d+ \(sleep\) was still open when its run ended; task "main" opened it/)
})

eachBackend(
  test,
  'opening without waiting is cancelled and waited for, as everything that a block begins',
  async (t, backend) => {
    await backend.run(async () => {
      let started = 0
      await openCancelScope(() => {
        void openProcess(['sleep', '600'], async (process) => {
          started = process.pid
          await sleepForever()
        })
      })
      t.true(started === 0 || !exists(started))
    })
  },
)
