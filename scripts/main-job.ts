/**
 * The main job: what `npm start` does once everything is built.
 *
 * ```text
 *  npm start                  main-job/tour      small programs that show what the library is like
 *                             main-job/compare   a server of ours and one on node:net (then node:tls), a process each, take
 *                                                turns under the same load; then a scope ends ours
 *  npm start -- --serve       main-job/serve     an echo server that stays until Ctrl+C
 * ```
 */
import { parseArgs } from 'node:util'

const USAGE = `npm start                    a tour of the library, then servers under load beside Node's own
npm start -- --tour-only     the tour alone
npm start -- --bench-only    the comparison alone
npm start -- --serve         serve echo until Ctrl+C
             --port N        on this port (default: a free one)
             --backend NAME  native (default) or node`

const NEXT_STEPS = `
── Next ──────────────────────────────────────────────────────────────────────────────────────

  docs/guide/README.md         a page for each concept; every snippet is a program that a test runs
  examples/                    servers and clients to copy: node examples/echo-server.ts
  npm start -- --serve         an echo server to play with; npm run bench measures everything`

const BACKENDS = ['native', 'node'] as const

try {
  await main()
} catch (error) {
  console.error(`\nnpm start failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const options = readOptions()
  // Each part is loaded by itself: serving needs no harness.
  if (options.help) console.log(USAGE)
  else if (options.serve) await (await import('./main-job/serve.ts')).serve(options)
  else {
    if (!options.benchOnly) await (await import('./main-job/tour.ts')).tour()
    if (!options.tourOnly) await (await import('./main-job/compare.ts')).compare()
    console.log(NEXT_STEPS)
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      serve: { type: 'boolean', default: false },
      'tour-only': { type: 'boolean', default: false },
      'bench-only': { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      backend: { type: 'string', default: 'native' },
      help: { type: 'boolean', default: false },
    },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${values.port} is no port`)
  const backend = BACKENDS.find((name) => name === values.backend)
  if (backend === undefined) throw new Error(`--backend takes ${BACKENDS.join(' or ')}, not ${values.backend}`)
  const { serve, help, 'tour-only': tourOnly, 'bench-only': benchOnly } = values
  if ([serve, tourOnly, benchOnly].filter(Boolean).length > 1)
    throw new Error('--serve, --tour-only and --bench-only exclude each other')
  return { serve, help, tourOnly, benchOnly, port, backend }
}
