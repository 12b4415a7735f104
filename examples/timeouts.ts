// Four ways to limit a wait, against a server that accepts connections and never answers.
//
//   node --import=tsx examples/timeouts.ts
import { connectTcp, createTaskGroup, createTcpServer, failAfter, moveOnAfter, raceTasks, run, sleep } from 'structio'
import { sleepForever, TimeoutError } from 'structio'

async function main(): Promise<void> {
  await using server = await createTcpServer(0, { interface: '127.0.0.1' })
  await createTaskGroup(async (tg) => {
    tg.spawn(() => server.serve(() => sleepForever()))
    await ask(server.port)
    tg.cancelScope.cancel()
  })
}

async function ask(port: number): Promise<void> {
  await using stream = await connectTcp('127.0.0.1', port)

  // 1. Go on without an answer: the value of a cancelled scope is undefined.
  const reply = await moveOnAfter(50, () => stream.receiveSome())
  console.log(`moveOnAfter: ${reply === undefined ? 'nothing yet' : reply.toString()}`)

  // 2. Fail without an answer.
  try {
    await failAfter(50, () => stream.receiveSome())
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    console.log('failAfter: TimeoutError')
  }

  // 3. Take the first result. The other tasks are cancelled, and have ended when this goes on.
  const first = await raceTasks([() => stream.receiveSome(), () => sleep(50).then(() => 'a default')])
  console.log(`raceTasks: ${first.toString()}`)

  // 4. Give more time after each progress: a deadline can be moved while its scope is active.
  let steps = 0
  await moveOnAfter(200, async (scope) => {
    while (steps < 3) {
      await sleep(10)
      steps += 1
      scope.deadline += 10
    }
    await sleepForever()
  })
  console.log(`moving the deadline: ${steps} steps`)
}

await run(main)
