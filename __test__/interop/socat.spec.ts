/** socat: datagrams and streams, over IPv4, IPv6, paths and abstract names, each way round. */
import test, { type ExecutionContext } from 'ava'
import { join } from 'node:path'
import {
  connectUnix,
  createTaskGroup,
  createUdpSocket,
  createUnixDatagramSocket,
  createUnixServer,
  type SocketStream,
} from '../../index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { eachBackendWith, freeUdpPort } from '../support/datagrams.ts'
import { folder, Running, where } from '../support/programs.ts'

/** Answers in upper case. */
const SHOUT = 'EXEC:tr a-z A-Z'

where('socat', (socat) => {
  /** One that waits for others. It says when it does. */
  const serve = async (t: ExecutionContext, address: string): Promise<Running> => {
    const program = new Running(t, socat, ['-d', '-d', `${address},fork`, SHOUT])
    await program.printed(/(listening|receiving) on /)
    return program
  }
  /** One that sends its input there, and prints what comes back. */
  const dial = (t: ExecutionContext, address: string): Running => new Running(t, socat, ['-t', '30', '-', address])

  for (const { host, version, at } of [
    { host: '127.0.0.1', version: 4, at: '127.0.0.1' },
    { host: '::1', version: 6, at: '[::1]' },
  ]) {
    eachRealBackend(test, `a UDP socket asks socat over IPv${version}`, async (t, backend) => {
      const port = await freeUdpPort(t, host)
      const program = await serve(t, `UDP${version}-RECVFROM:${port},bind=${at}`)
      await backend.run(async () => {
        await using socket = await createUdpSocket({ interface: host, targetHost: host, targetPort: port })
        for (const text of ['hello', 'x'.repeat(1400)]) {
          await socket.send(text)
          t.is((await socket.receive(2000))[0].toString(), text.toUpperCase())
        }
        await using unconnected = await createUdpSocket({ interface: host })
        await unconnected.send('named', host, port)
        const [data, from] = await unconnected.receive(2000)
        t.is(data.toString(), 'NAMED')
        t.like(from, { address: host, port })
      })
      await program.stop()
    })

    eachRealBackend(test, `socat asks a UDP socket over IPv${version}`, async (t, backend) => {
      await backend.run(async () => {
        await using socket = await createUdpSocket({ interface: host })
        const client = dial(t, `UDP${version}:${at}:${socket.port}`)
        for (const text of ['one', 'two']) {
          client.write(text)
          const [data, from] = await socket.receive(100)
          t.is(data.toString(), text)
          await socket.send(`${text} heard\n`, from)
          await client.printed(new RegExp(`${text} heard`))
        }
        await client.stop()
      })
    })
  }

  for (const { kind, name, listen, connect, features } of [
    {
      kind: 'a path',
      name: (t: ExecutionContext) => join(folder(t), 'socket'),
      listen: 'UNIX-LISTEN',
      connect: 'UNIX-CONNECT',
      features: ['unixPeers'] as const,
    },
    {
      kind: 'an abstract name',
      name: () => `\0structio-socat-${process.pid}`,
      listen: 'ABSTRACT-LISTEN',
      connect: 'ABSTRACT-CONNECT',
      features: ['unixPeers', 'anyPath'] as const,
    },
  ]) {
    eachBackendWith(features, test, `a stream to socat at ${kind}`, async (t, backend) => {
      const path = name(t)
      const program = await serve(t, `${listen}:${path.replace('\0', '')}`)
      await backend.run(async () => {
        await using stream = await connectUnix(path)
        const data = 'abcdefghij'.repeat(20_000)
        await createTaskGroup(async (tg) => {
          tg.spawn(async () => {
            await stream.sendAll(data)
            // "tr" says the rest when its input has ended.
            await stream.sendEof()
          })
          t.is(await everything(stream), data.toUpperCase())
        })
      })
      await program.stop()
    })

    eachBackendWith(features, test, `a stream from socat at ${kind}`, async (t, backend) => {
      const path = name(t)
      await backend.run(async () => {
        await using server = await createUnixServer(path)
        const client = dial(t, `${connect}:${path.replace('\0', '')}`)
        client.write('to the end')
        client.end()
        await using stream = await server.accept()
        t.is(await everything(stream), 'to the end')
        await stream.sendAll('heard it all\n')
        await stream.sendEof()
        t.is(await client.done(), 'heard it all\n')
        t.is(client.code, 0)
      })
    })
  }

  eachBackendWith(['unixDatagrams', 'unixPeers'], test, 'datagrams at paths, each way round', async (t, backend) => {
    const here = folder(t)
    const program = await serve(t, `UNIX-RECVFROM:${join(here, 'socat')}`)
    await backend.run(async () => {
      await using socket = await createUnixDatagramSocket({ path: join(here, 'ours') })
      await socket.send('hello', join(here, 'socat'))
      const [data, from] = await socket.receive(100)
      t.deepEqual([data.toString(), from], ['HELLO', join(here, 'socat')])
      await program.stop()
      const client = dial(t, `UNIX-SENDTO:${join(here, 'ours')},bind=${join(here, 'client')}`)
      client.write('asked')
      const [question, who] = await socket.receive(100)
      t.deepEqual([question.toString(), who], ['asked', join(here, 'client')])
      await socket.send('answered', who)
      await client.printed(/^answered/)
      await client.stop()
    })
  })
})

async function everything(stream: SocketStream<string>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
