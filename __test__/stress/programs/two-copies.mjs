/** Two copies of the package, and of the addon, in one process. Argument: the folder of the second copy. */
import { pathToFileURL } from 'node:url'
import * as first from 'structio'

const second = await import(pathToFileURL(`${process.argv[2]}/dist/index.js`).href)
if (second.run === first.run) throw new Error('one copy only')

const answers = await Promise.all([echo(first, 'one'), echo(second, 'two'), across(first, second)])
console.log(JSON.stringify(answers))

function echo(copy, text) {
  return copy.run(() => serving(copy, (port) => ask(copy, port, text)), { backend: 'native' })
}

/** A server of one copy and a client of the other. */
function across(server, client) {
  return server.run(
    () =>
      serving(server, (port) =>
        server.abandonOnCancel(client.run(() => ask(client, port, 'across'), { backend: 'native' })),
      ),
    { backend: 'native' },
  )
}

async function serving(copy, body) {
  let answer
  await copy.createTaskGroup(async (tg) => {
    const server = await copy.createTcpServer(0, { interface: '127.0.0.1' })
    tg.spawn(() =>
      server.serve(async (stream) => {
        for await (const chunk of stream.receiveChunks()) await stream.sendAll(chunk)
      }),
    )
    answer = await body(server.port)
    await server.close()
  })
  return answer
}

async function ask(copy, port, text) {
  const stream = await copy.connectTcp('127.0.0.1', port)
  await stream.sendAll(text)
  const answer = (await stream.receiveExactly(text.length)).toString()
  await stream.close()
  return answer
}
