// A line protocol with pipelining: `set name value`, `get name`, `quit`, one answer for each line. A client may send any
// number of lines without waiting. Lines that arrive together are answered together, in one write.
//
//   node --import=tsx examples/key-value-server.ts [port]
import { createTcpServer, DelimiterNotFound, run, type SocketStream } from 'structio'

const MAX_LINE = 1024
const store = new Map<string, string>()

async function main(): Promise<void> {
  await using server = await createTcpServer(Number(process.argv[2] ?? 7001), { interface: '127.0.0.1' })
  console.log(`listening on port ${server.port}`)
  // A connection that breaks in the middle of a line ends only its own handler.
  await server.serve(handle, { maxConnections: 1000 })
}

async function handle(stream: SocketStream): Promise<void> {
  try {
    for await (const lines of stream.receiveDelimitedBatches('\n', MAX_LINE)) {
      const answers = lines.map((line) => answer(line.toString().trimEnd()))
      await stream.sendMany(answers.map((text) => `${text}\n`))
      if (answers.includes('bye')) return
    }
  } catch (error) {
    if (!(error instanceof DelimiterNotFound)) throw error
    await stream.sendAll(`error: a line is at most ${MAX_LINE} bytes\n`)
  }
}

function answer(line: string): string {
  const [command, name = '', ...words] = line.split(' ')
  switch (command) {
    case 'set':
      store.set(name, words.join(' '))
      return 'ok'
    case 'get':
      return store.get(name) ?? 'none'
    case 'quit':
      return 'bye'
    default:
      return `error: no such command: ${command}`
  }
}

await run(main, { shutdownSignals: ['SIGINT', 'SIGTERM'] })
