/**
 * `structio/node`, whole: bridges to Node's own streams, clients and servers. A list and nothing else, as index.ts is;
 * `__test__/architecture.spec.ts` compares it with `node.d.ts`.
 */

// A stream as Node's clients and servers know one.
export { toDuplex } from './to-duplex.ts'
export { NodeSocket } from './node-socket.ts'
export type { NodeSocketOptions } from './node-socket.ts'
