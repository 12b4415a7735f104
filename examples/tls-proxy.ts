// Terminates TLS in front of a server that speaks plain TCP, and relays every byte in both directions.
//
//   node --import=tsx examples/tls-proxy.ts certificate.pem key.pem 127.0.0.1:8080 [port]
//   curl --cacert certificate.pem https://localhost:8443/
import { connectTcp, createTcpServer, createTlsContext, relay, run, type SocketStream } from 'structio'

const [cert, key, target = '127.0.0.1:8080', port = '8443'] = process.argv.slice(2)
const { hostname, port: targetPort } = new URL(`tcp://${target}`)

async function handle(client: SocketStream): Promise<void> {
  await using backend = await connectTcp(hostname, Number(targetPort))
  const { aToB, bToA } = await relay(client, backend, { idleTimeout: 60_000 })
  console.log(`${aToB} bytes there, ${bToA} bytes back`)
}

async function main(): Promise<void> {
  const tls = createTlsContext({ cert, key, alpnProtocols: ['http/1.1', 'http/1.0'] })
  await using server = await createTcpServer(Number(port), {
    tls,
    // HTTP clients close without close_notify.
    tlsStandardCompatible: false,
    onTlsError: (error, { address }) => console.error(`${address}: ${error.message}`),
  })
  console.log(`listening on port ${server.port}`)
  // A missing backend or an idle client ends one connection only.
  await server.serve(handle, { onError: (error) => console.error(String(error)) })
}

await run(main, { shutdownSignals: ['SIGINT', 'SIGTERM'] })
console.log('closed')
