/**
 * A rolling restart under load (examples/cluster-server.ts): every request that a worker has begun is answered. The
 * kernel resets connections that it had queued for a closed socket; the test counts them.
 */
import { once } from 'node:events'
import * as http from 'node:http'
import test from 'ava'
import { start } from '../support/program.ts'

test('workers are replaced under load without losing a request that has begun', async (t) => {
  const server = start(t, 'examples/cluster-server.ts', ['0', '2'])
  const port = Number((await server.line(/^listening on port (\d+)$/))[1])
  let loading = true
  let answered = 0
  const failures: string[] = []
  const workers = new Set<string>()
  const load = async (): Promise<void> => {
    while (loading) {
      try {
        workers.add(await get(port))
        answered++
      } catch (error) {
        failures.push((error as NodeJS.ErrnoException).code ?? String(error))
      }
    }
  }
  const clients = Array.from({ length: 8 }, load)
  for (const generation of [2, 3]) {
    const before = answered
    while (answered < before + 200) await new Promise((resolve) => setImmediate(resolve))
    server.signal('SIGHUP')
    await server.line(new RegExp(`^restarted: generation ${generation}$`))
  }
  loading = false
  await Promise.all(clients)
  server.signal('SIGTERM')
  const { stdout, code } = await server.ended
  t.is(code, 0)
  const reports = [...stdout.matchAll(/^worker \d+: (\d+) requests begun, (\d+) answered$/gm)]
  t.is(reports.length, 6, stdout)
  for (const [line, begun, done] of reports) t.is(begun, done, line)
  t.is(workers.size, 6)
  // Connections queued for a socket when it was closed. With `net.ipv4.tcp_migrate_req` there are none.
  t.log(`${answered} answered, ${failures.length} reset by the kernel`)
  t.deepEqual(
    failures.filter((code) => code !== 'ECONNRESET'),
    [],
  )
  t.true(failures.length < answered / 100, `${failures.length} of ${answered}`)
})

async function get(port: number): Promise<string> {
  const request = http.get({ host: '127.0.0.1', port, agent: false })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const bytes of response) text += String(bytes)
  return text
}
