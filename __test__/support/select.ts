/** What the tests of `select` share. */
import { connectTcp, createTcpServer, type SocketStream } from '../../index.ts'
import { LOCAL } from './tls.ts'

export async function textOf(selected: Promise<[number, unknown]>): Promise<[number, string]> {
  const [index, value] = await selected
  return [index, String(value)]
}

export async function withTcp(body: (stream: SocketStream, peer: SocketStream) => Promise<unknown>): Promise<void> {
  await using server = await createTcpServer(0, LOCAL)
  await using peer = await connectTcp('127.0.0.1', server.port)
  await using stream = await server.accept()
  await body(stream, peer)
}
