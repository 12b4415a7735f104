// Made of node.d.ts by `npm run build -- types`, for `require('structio/node')`. Generated: do not edit.
import type * as esm from './node.js' with { 'resolution-mode': 'import' }

export declare const DuplexStream: typeof esm.DuplexStream
export type DuplexStream = esm.DuplexStream
export declare const NodeSocket: typeof esm.NodeSocket
export type NodeSocket = esm.NodeSocket
export declare const fromDuplex: typeof esm.fromDuplex
export declare const serveHttp: typeof esm.serveHttp
export declare const toDuplex: typeof esm.toDuplex
export declare const toWebStreams: typeof esm.toWebStreams
export type NodeSocketOptions = esm.NodeSocketOptions
export type ServeHTTPOptions = esm.ServeHTTPOptions
export type WebStreams = esm.WebStreams
export type WebStreamsOptions = esm.WebStreamsOptions
