// A TLS echo server. Clients with a slow or broken handshake delay no other client; the server only logs them.
//
//   node --import=tsx examples/tls-echo-server.ts certificate.pem key.pem [port]
//
// A certificate to try it with, and a client:
//
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
//     -addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem
//   openssl s_client -connect localhost:7443 -CAfile certificate.pem -verify_return_error
import { createTcpServer, createTlsContext, run } from 'structio'

const [cert, key, port = '7443'] = process.argv.slice(2)

async function main(): Promise<void> {
  const tls = createTlsContext({ cert, key })
  await using server = await createTcpServer(Number(port), {
    tls,
    onTlsError: (error, { address }) => console.error(`${address}: ${error.message}`),
  })
  console.log(`listening on port ${server.port}`)
  await server.serve(async (stream) => {
    for await (const chunk of stream) await stream.sendAll(chunk)
  })
}

await run(main, { shutdownSignals: ['SIGINT', 'SIGTERM'] })
console.log('closed')
