/**
 * A server in a process without free descriptors. SIGUSR2 makes it free some. Prints its port and its warnings; ends
 * when a client sends stop. The test lowers the limit.
 */
import { closeSync, openSync } from 'node:fs'
import { run, type RunOptions } from '../../src/run.ts'
import { sleep } from '../../src/scopes.ts'
import { createTcpServer } from '../../src/sockets.ts'
import { createTaskGroup } from '../../src/task-groups.ts'

const options = JSON.parse(process.argv[2]!) as RunOptions
process.on('warning', (warning) =>
  console.log(`warning ${(warning as Error & { code?: string }).code}: ${warning.message}`),
)

await run(async () => {
  await using server = await createTcpServer(0, { interface: '127.0.0.1' })
  await createTaskGroup(async (group) => {
    group.spawn(() =>
      server.serve(async (stream) => {
        const line = await stream.receiveUntil('\n', 100)
        await stream.sendAll(line)
        if (line.toString() === 'stop\n') await server.close()
      }),
    )
    let full = true
    process.once('SIGUSR2', () => (full = false))
    const taken = takeAll()
    // Also takes the descriptors that Node itself closes after the start.
    for (let quiet = 0; quiet < 50; quiet++) {
      await sleep(0)
      const more = takeAll()
      taken.push(...more)
      if (more.length > 0) quiet = 0
    }
    console.log(`listening ${server.port}`)
    while (full) {
      await sleep(0)
      taken.push(...takeAll())
    }
    for (const fd of taken) closeSync(fd)
    console.log(`released, retried ${server.statistics().retries > 0}`)
  })
  console.log(`served ${server.statistics().accepted}`)
}, options)

function takeAll(): number[] {
  const taken: number[] = []
  for (;;) {
    try {
      taken.push(openSync('/dev/null', 'r'))
    } catch {
      return taken
    }
  }
}
