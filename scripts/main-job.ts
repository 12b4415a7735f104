/**
 * The main job, what `npm start` does once everything is built.
 *
 * ```text
 *  npm start              main-job/compare   a server on the native backend and one on node:net (then: node:tls), each
 *                                            its own process, take turns under the same load; then the first is ended
 *                                            by its scope
 *  npm start -- --serve   main-job/serve     an echo server that stays until Ctrl+C
 * ```
 */
import { parseArgs } from 'node:util'

const USAGE = `npm start                    compare the native backend with node:net and node:tls under the same load
npm start -- --serve         serve echo until Ctrl+C
             --port N        on this port (default: a free one)
             --backend NAME  native (default) or node`

const BACKENDS = ['native', 'node'] as const

try {
  await main()
} catch (error) {
  console.error(`\nnpm start failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const options = readOptions()
  // Each way is loaded by itself: serving needs no harness, and comparing no library in this process.
  if (options.help) console.log(USAGE)
  else if (options.serve) await (await import('./main-job/serve.ts')).serve(options)
  else await (await import('./main-job/compare.ts')).compare()
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      serve: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      backend: { type: 'string', default: 'native' },
      help: { type: 'boolean', default: false },
    },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${values.port} is no port`)
  const backend = BACKENDS.find((name) => name === values.backend)
  if (backend === undefined) throw new Error(`--backend takes ${BACKENDS.join(' or ')}, not ${values.backend}`)
  return { serve: values.serve, help: values.help, port, backend }
}
