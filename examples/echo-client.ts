// Sends lines to an echo server and prints the answers, all within five seconds.
//
//   node --import=tsx examples/echo-client.ts port [host] [line…]
import { connectTcp, failAfter, run, TimeoutError } from 'structio'

const [port = '7000', host = 'localhost', ...lines] = process.argv.slice(2)

async function main(): Promise<void> {
  await failAfter(5000, async () => {
    await using stream = await connectTcp(host, Number(port))
    for (const line of lines.length > 0 ? lines : ['hello']) {
      await stream.sendAll(`${line}\n`)
      const answer = await stream.receiveUntil('\n', 1024, { includeDelimiter: false })
      console.log(`echo: ${answer.toString()}`)
    }
  })
}

try {
  await run(main)
} catch (error) {
  // A refused connection is an error in Node's shape, with code, syscall, address and port.
  console.error(error instanceof TimeoutError ? 'no answer within five seconds' : String(error))
  process.exitCode = 1
}
