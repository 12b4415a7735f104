/**
 * `structio/node`: bridges to Node's own streams, clients and servers. A list and nothing else, as index.ts;
 * `__test__/architecture.spec.ts` compares it with `node.d.ts`.
 */

// A stream as Node's clients and servers know one.
export { toDuplex } from './to-duplex.ts'
export { NodeSocket } from './node-socket.ts'
export type { NodeSocketOptions } from './node-socket.ts'

// The other way, and as the web has it.
export { fromDuplex } from './from-duplex.ts'
export type { DuplexStream } from './from-duplex.ts'
export { toWebStreams } from './web-streams.ts'
export type { WebStreams, WebStreamsOptions } from './web-streams.ts'

// Node's HTTP servers, and frameworks on them, on connections of this library.
export { serveHttp } from './serve-http.ts'
export type { ServeHTTPOptions } from './serve-http.ts'
