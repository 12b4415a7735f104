/**
 * A host without libuv's symbols, or with imitations of them. Turns run inside the callback of a threadsafe function,
 * and microtasks run after it: submissions of tasks must be flushed from there.
 */
import test from 'ava'

// The first run reads this. Each test file is a process of its own.
process.env['STRUCTIO_WAKE'] = 'threadsafe-function'
const { connectTcp, createTaskGroup, createTcpServer, moveOnAfter, run } = await import('../../../index.ts')

test('a server and its clients work through a threadsafe function', async (t) => {
  const answers: string[] = []
  await run(
    () =>
      createTaskGroup(async (tg) => {
        const server = await createTcpServer(0, { interface: '127.0.0.1' })
        tg.spawn(() =>
          server.serve(async (stream) => {
            for await (const line of stream.receiveDelimitedChunks('\n', 100))
              await stream.sendAll(`${line.toString()}!\n`)
          }),
        )
        await createTaskGroup(async (clients) => {
          for (let client = 0; client < 20; client++) {
            clients.spawn(async () => {
              const stream = await connectTcp('localhost', server.port)
              for (let round = 0; round < 50; round++) {
                await stream.sendAll(`${client}.${round}\n`)
                answers.push((await stream.receiveUntil('\n', 100)).toString())
              }
              await stream.close()
            })
          }
        })
        await server.close()
      }),
    { backend: 'native' },
  )
  t.is(answers.length, 20 * 50)
  t.is(new Set(answers).size, answers.length)
  t.true(answers.every((answer) => /^\d+\.\d+!\n$/.test(answer)))
})

test('a deadline ends a receive in a run that does not keep the process alive by itself', async (t) => {
  await run(
    async () => {
      const server = await createTcpServer(0, { interface: '127.0.0.1' })
      const stream = await connectTcp('127.0.0.1', server.port)
      t.is(await moveOnAfter(20, () => stream.receiveSome()), undefined)
      await stream.close()
      await server.close()
    },
    { backend: 'native', keepAlive: false },
  )
})
