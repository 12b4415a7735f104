/** The standard streams of child processes, which are `Stream`s. The children are programs of the system. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  BrokenResourceError,
  ClosedResourceError,
  createTaskGroup,
  gather,
  IncompleteRead,
  moveOnAfter,
  openProcess,
  ResourceBusyError,
  runProcess,
  UnsupportedError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'

const MIB = 1024 * 1024

/** Bytes that show where something is missing. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i += 4) bytes.writeUInt32LE((i * 2654435761) >>> 0, i)
  return bytes
}

eachBackend(
  test,
  'its streams are streams: framing, the caller’s memory, back-pressure, the end',
  async (t, backend) => {
    await backend.run(async () => {
      await openProcess(['cat'], async ({ stdin, stdout }) => {
        await stdin.sendAll('one\ntwo\nthr')
        await stdin.sendMany(['ee\n', Buffer.from('four')])
        t.is(String(await stdout.receiveUntil('\n', 100)), 'one\n')
        t.is(String(await stdout.receiveExactly(2)), 'tw')
        const view = new Uint8Array(1)
        t.is(await stdout.receiveInto(view), 1)
        t.is(view[0], 'o'.charCodeAt(0))
        await stdin.sendEof()
        const lines: string[] = []
        for await (const line of stdout.receiveDelimitedChunks('\n', 100)) {
          if (lines.push(String(line)) === 2) break
        }
        t.deepEqual(lines, ['', 'three'])
        await t.throwsAsync(() => stdout.receiveExactly(5), { instanceOf: IncompleteRead })
        t.is(String(stdout.bufferedData), 'four')
      })
      const all = pattern(2 * MIB)
      await openProcess(['cat'], async (process) => {
        const [received] = await gather([
          async () => {
            const chunks: Buffer[] = []
            for await (const chunk of process.stdout) chunks.push(chunk)
            return Buffer.concat(chunks)
          },
          async () => {
            await process.stdin.sendAll(all)
            await process.stdin.close()
          },
        ])
        t.true(received.equals(all))
      })
      // Nobody reads: the sender waits, and can be cancelled.
      await openProcess(['sleep', '600'], async (process) => {
        t.is(await moveOnAfter(20, () => process.stdin.sendAll(all)), undefined)
        process.kill()
      })
    })
  },
)

eachBackend(test, 'a stream goes one way, and is for one task at a time', async (t, backend) => {
  await backend.run(async () => {
    const process = await openProcess(['cat'])
    const { stdin, stdout, stderr } = process
    for (const call of [
      () => stdin.receiveSome(),
      () => stdin.receiveExactly(1),
      () => stdin.receiveInto(new Uint8Array(1)),
      () => stdin[Symbol.asyncIterator]().next(),
      () => stdout.sendAll('x'),
      () => stderr.sendMany(['x']),
      () => stdout.sendEof(),
    ]) {
      await t.throwsAsync<Error>(call, { instanceOf: UnsupportedError })
    }
    await createTaskGroup(async (tg) => {
      tg.spawn(async () => {
        await t.throwsAsync(() => stdout.receiveSome(), { instanceOf: ClosedResourceError })
      })
      await waitAllTasksBlocked()
      await t.throwsAsync(() => stdout.receiveSome(), { instanceOf: ResourceBusyError })
      await stdout.close()
    })
    await stdin.close()
    await t.throwsAsync(() => stdin.receiveSome(), { instanceOf: ClosedResourceError })
    await t.throwsAsync(() => stdout.sendAll('x'), { instanceOf: ClosedResourceError })
    await process.close()
    t.is(process.returncode, 0)
  })
})

eachBackend(
  test,
  'a child that closes its input early is a broken stream, and no error of a run-and-capture',
  async (t, backend) => {
    await backend.run(async () => {
      await openProcess('exec <&-; echo closed; exec sleep 600', async (process) => {
        await process.stdout.receiveUntil('closed\n', 0)
        const error = await t.throwsAsync(
          async () => {
            for (;;) await process.stdin.sendAll(pattern(MIB))
          },
          { instanceOf: BrokenResourceError },
        )
        t.is((error.cause as NodeJS.ErrnoException).code, 'EPIPE')
        process.kill()
      })
      const { stdout, returncode } = await runProcess(['head', '-c', '3'], { input: Buffer.alloc(4 * MIB, 'abc') })
      t.deepEqual([String(stdout), returncode], ['abc', 0])
      t.is((await runProcess('exec <&-; echo nothing', { input: Buffer.alloc(MIB) })).stdout.toString(), 'nothing\n')
    })
  },
)

eachBackend(test, 'one that has exited is a broken stream to send to', async (t, backend) => {
  await backend.run(async () => {
    await openProcess(['true'], async (process) => {
      t.is(await process.wait(), 0)
      const error = await t.throwsAsync(
        async () => {
          for (let i = 0; i < 10; i++) await process.stdin.sendAll('x')
          await process.stdin.close()
        },
        { instanceOf: BrokenResourceError },
      )
      t.is((error.cause as NodeJS.ErrnoException).code, 'EPIPE')
    })
  })
})

eachBackend(test, 'what was sent before the close is read', async (t, backend) => {
  await backend.run(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'structio-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const bytes = pattern(60_000)
    // The program reads once its output is closed, so after the close has begun.
    const program = 'trap "" PIPE; while echo; do :; done 2>/dev/null; cat > file'
    await openProcess(program, { cwd: folder, stderr: 'ignore' }, (process) => process.stdin.sendAll(bytes))
    t.true(readFileSync(join(folder, 'file')).equals(bytes))
  })
})

eachBackend(test, 'the output can be read after it has exited', async (t, backend) => {
  await backend.run(async () => {
    await openProcess(`head -c 50000 /dev/zero; echo end >&2`, async (process) => {
      await process.wait()
      t.is((await process.stdout.receiveExactly(50_000)).length, 50_000)
      t.is((await process.stdout.receiveSome()).length, 0)
      t.is(String(await process.stderr.receiveUntil('\n', 10)), 'end\n')
    })
  })
})

eachBackend(test, 'standard streams may be nothing, this process’s own, a file, or go together', async (t, backend) => {
  const folder = mkdtempSync(join(tmpdir(), 'structio-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'file')
  await backend.run(async () => {
    const line = 'echo 1; echo 2 >&2; echo 3; echo 4 >&2'
    const together = await runProcess(line, { stderr: 'stdout' })
    t.deepEqual([String(together.stdout), together.stderr], ['1\n2\n3\n4\n', null])
    const nothing = await runProcess(line, { stdout: 'ignore', stderr: 'null' })
    t.deepEqual([nothing.stdout, nothing.stderr], [null, null])
    const fd = openSync(path, 'w')
    t.is((await runProcess(line, { stdout: fd, stderr: { fd } })).stdout, null)
    t.is(readFileSync(path, 'utf8'), '1\n2\n3\n4\n')
    await runProcess('echo 5', { stdout: fd, stderr: 'stdout' })
    t.is(readFileSync(path, 'utf8'), '1\n2\n3\n4\n5\n')
    closeSync(fd)
    const input = openSync(path, 'r')
    t.is((await runProcess(['wc', '-l'], { stdin: input })).stdout.toString().trim(), '5')
    closeSync(input)
    const process = await openProcess(['true'], { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' })
    t.deepEqual([process.stdin, process.stdout, process.stderr], [null, null, null])
    t.is(await process.wait(), 0)
    await process.close()
  })
})
