/** A process in which no binary of the addon loads: prints the results of `run`. */
import { getAllBackends, getAvailableBackends, run, type RunOptions } from '../../src/run.ts'
import { connectTcp, createTcpServer } from '../../src/sockets.ts'

const report: Record<string, unknown> = { warnings: [] as string[] }
process.on('warning', (warning) =>
  (report['warnings'] as string[]).push(`${(warning as Error & { code?: string }).code}`),
)

report['all'] = getAllBackends()
report['available'] = getAvailableBackends()
for (const name of ['native', 'quantum']) {
  const error = (await run(() => {}, { backend: name } as unknown as RunOptions).catch(
    (failure: unknown) => failure,
  )) as Error
  report[name] = { name: error.name, message: error.message, cause: error.cause instanceof Error }
}
for (let time = 0; time < 2; time++) {
  report['received'] = await run(async () => {
    await using server = await createTcpServer(0, { interface: '127.0.0.1' })
    await using client = await connectTcp('127.0.0.1', server.port)
    await using accepted = await server.accept()
    await client.sendAll('over node:net')
    return (await accepted.receiveExactly(13)).toString()
  })
}
await new Promise((resolve) => setImmediate(resolve))
console.log(JSON.stringify(report))
