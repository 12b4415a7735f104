/** Programs that nobody here wrote, as children: the same output as node:child_process gets from them. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { gather, openProcess, runProcess, type Stream } from '../../index.ts'
import { eachBackend } from '../support/backends.ts'
import { where } from '../support/programs.ts'

/** Text and noise, so that a packer has something to do and does not end before it has read everything. */
const DATA = Buffer.concat([Buffer.from('a line of text\n'.repeat(40_000)), randomBytes(300_000)])

async function all(stream: Stream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

where('gzip', (gzip) => {
  eachBackend(test, 'gzip packs what it is sent, and Node unpacks it', async (t, backend) => {
    await backend.run(async () => {
      const { stdout } = await runProcess([gzip, '-c'], { input: DATA })
      t.true(gunzipSync(stdout).equals(DATA))
      const direct = await openProcess([gzip, '-dc'], async ({ stdin, stdout: unpacked }) => {
        const [text] = await gather([
          () => all(unpacked),
          async () => {
            for (let at = 0; at < stdout.length; at += 10_000) await stdin.sendAll(stdout.subarray(at, at + 10_000))
            await stdin.sendEof()
          },
        ])
        return text
      })
      t.true(direct.equals(DATA))
    })
  })
})

where('xz', (xz) => {
  eachBackend(test, 'what xz has packed it unpacks, through two processes at once', async (t, backend) => {
    await backend.run(() =>
      openProcess([xz, '-0c'], (packing) =>
        openProcess([xz, '-dc'], async (unpacking) => {
          const [, , out] = await gather([
            async () => {
              await packing.stdin.sendAll(DATA)
              await packing.stdin.close()
            },
            async () => {
              for await (const chunk of packing.stdout) await unpacking.stdin.sendAll(chunk)
              await unpacking.stdin.close()
            },
            () => all(unpacking.stdout),
          ])
          t.true(out.equals(DATA))
        }),
      ),
    )
  })
})

where('python3', (python) => {
  eachBackend(test, 'a conversation with an interpreter, line by line', async (t, backend) => {
    await backend.run(() =>
      openProcess([python, '-u', '-c', 'while True: print(eval(input()))'], async ({ stdin, stdout, stderr }) => {
        for (let i = 0; i < 50; i++) {
          await stdin.sendAll(`2 ** ${i}\n`)
          t.is(String(await stdout.receiveUntil('\n', 100, { includeDelimiter: false })), String(2n ** BigInt(i)))
        }
        await stdin.close()
        t.regex(String(await all(stderr)), /EOFError/)
      }),
    )
  })
})

where('git', (git) => {
  eachBackend(test, 'git prints the same as for node:child_process', async (t, backend) => {
    const commands = [
      [git, '--version'],
      [git, 'help', '-a'],
      [git, 'hash-object', '--stdin'],
    ]
    await backend.run(async () => {
      for (const [program, ...args] of commands as [string, ...string[]][]) {
        const input = args.includes('--stdin') ? DATA : undefined
        const expected = execFileSync(program, args, { input })
        const { stdout } = await runProcess([program, ...args], { input })
        t.true(stdout.equals(expected), args.join(' '))
      }
    })
  })
})
