/**
 * `npm start`, the first half: what the library is like, in a few programs that run while you read. Everything printed here
 * happened a moment before.
 */
import {
  connectTcp,
  createTaskGroup,
  createTcpServer,
  currentTime,
  dumpTasks,
  failAfter,
  raceTasks,
  run,
  sleep,
  TimeoutError,
  waitAllTasksBlocked,
} from 'structio'
import { VirtualNetwork } from 'structio/testing'

export async function tour(): Promise<void> {
  console.log(
    `structio runs tasks that never outlive their group, under time limits that reach everything begun inside them.`,
  )
  chapter(
    'A race',
    'Three mirrors answer at different speeds. The first one wins; the others are cancelled and awaited.',
  )
  await race()
  chapter('A network that fails', 'A client and a server in a simulated world. One seed is one order of events.')
  await worlds()
}

async function race(): Promise<void> {
  console.log(`
    const winner = await failAfter(1000, () =>
      raceTasks([() => mirror('Oslo', 300), () => mirror('Lima', 120), () => mirror('Kyoto', 700)]))
`)
  const cancelled: string[] = []
  async function mirror(name: string, ms: number): Promise<string> {
    let answered = false
    try {
      await sleep(ms)
      answered = true
      return name
    } finally {
      if (!answered) cancelled.push(name)
    }
  }
  await run(
    () =>
      createTaskGroup(async (tg) => {
        const racing = tg.spawn({ name: 'the race' }, () =>
          failAfter(1000, () =>
            raceTasks([
              // Named, so that the tree shows which is which.
              function oslo() {
                return mirror('Oslo', 300)
              },
              function lima() {
                return mirror('Lima', 120)
              },
              function kyoto() {
                return mirror('Kyoto', 700)
              },
            ]),
          ),
        )
        await waitAllTasksBlocked()
        console.log('  while it runs, dumpTasks() shows:\n')
        console.log(indented(dumpTasks()))
        const winner = await racing.value()
        console.log(`\n  → ${winner} won. Cancelled: ${cancelled.join(', ')}. Nothing is left running.`)
      }),
    { name: 'tour' },
  )
}

const WORLDS = 100

/** Gives up after 400 ms, and never tries again. */
async function impatient(): Promise<string> {
  return await failAfter(400, ask)
}

/** Tries again on a new connection until the limit around it ends that. */
async function patient(): Promise<string> {
  return await failAfter(10_000, async () => {
    for (;;) {
      try {
        return await failAfter(400, ask)
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error
      }
    }
  })
}

async function ask(): Promise<string> {
  await using stream = await connectTcp('office', 7000)
  await stream.sendAll('order\n')
  return (await stream.receiveUntil('\n', 100)).toString().trim()
}

async function worlds(): Promise<void> {
  const began = performance.now()
  const failures = await failing(impatient)
  const first = failures[0]
  if (first === undefined) throw new Error('no world failed: the tour has lost its point')
  console.log(`
  A client that asks once, with a limit of 400 ms, in ${WORLDS} worlds whose network is cut now and then:
  → ${failures.length} of ${WORLDS} worlds fail. The first is seed ${first.seed}: ${first.what}
  → the same seed again: ${(await world(impatient, first.seed))!.what}
`)
  const left = await failing(patient)
  console.log(`  The client now tries again within ten seconds:
  → ${left.length} of ${WORLDS} worlds fail.
  ${WORLDS * 2 + 1} worlds took ${Math.round(performance.now() - began)} ms of real time.`)
}

interface Failure {
  readonly seed: number
  readonly what: string
}

async function failing(client: () => Promise<string>): Promise<Failure[]> {
  const failures: Failure[] = []
  for (let seed = 1; seed <= WORLDS; seed++) {
    const failure = await world(client, seed)
    if (failure !== undefined) failures.push(failure)
  }
  return failures
}

/** One simulated world. Undefined where the client got its answer. */
async function world(client: () => Promise<string>, seed: number): Promise<Failure | undefined> {
  const network = new VirtualNetwork({ latency: 30, jitter: 25 })
  let at = 0
  try {
    await run(
      () =>
        createTaskGroup(async (tg) => {
          const office = network.host('office')
          await using server = await office.run(() => createTcpServer(7000))
          tg.spawn(() =>
            server.serve(async (stream) => {
              for await (const line of stream.receiveDelimitedChunks('\n', 100))
                await stream.sendAll(`booked ${String(line)}\n`)
            }),
          )
          tg.spawn(async () => {
            for (;;) {
              await sleep(1000)
              network.partition([office])
              await sleep(400)
              network.heal()
            }
          })
          // Some time in the working day, which is another one in each world.
          await sleep((seed * 613) % 5000)
          await network
            .host('shop')
            .run(client)
            .finally(() => (at = Math.round(currentTime())))
          tg.cancelScope.cancel()
        }),
      { backend: 'virtual', backendOptions: { seed, network } },
    )
    return undefined
  } catch (error) {
    const [leaf] = (error as { leaves(): Iterable<Error> }).leaves()
    return { seed, what: `${leaf!.name} at ${at} ms of its time` }
  }
}

function chapter(title: string, what: string): void {
  console.log(`\n── ${title} ${'─'.repeat(Math.max(0, 90 - title.length))}\n\n${what}`)
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ')
}
