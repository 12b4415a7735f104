/**
 * The `node` backend: the contract of `backend.ts` on node:net, node:dgram, node:tls and node:child_process. It serves
 * platforms without a binary of the addon, and the addon's behaviour is compared with it.
 *
 * - `stream.ts`, `listener.ts`, `datagram.ts`: open sockets. `unix.ts`: paths.
 * - `connect.ts`, `lookup.ts`: requests with one answer. `turn.ts`: writes at the end of a turn.
 * - `process.ts`: child processes. `services.ts`: services by name. `../shared/node-files.ts`: files.
 * - `tls-engine.ts`: TLS without I/O on node:tls. `../shared/engine-transport.ts` uses it over any transport.
 *
 * A feature that node:net does not have fails with an `UnsupportedError` that names the backend that has it.
 */
import fs from 'node:fs'
import { UnsupportedError } from '../../errors.ts'
import { detached } from '../../kernel/index.ts'
import type { Backend } from '../contract/backend.ts'
import { startEngine } from '../shared/engine-transport.ts'
import { openSource } from '../shared/file-source.ts'
import { openFile } from '../shared/node-files.ts'
import { connect } from './connect.ts'
import { openUdp } from './datagram.ts'
import { listen } from './listener.ts'
import { getAddrInfo, getNameInfo, lookup } from './lookup.ts'
import { NodeStream } from './stream.ts'
import { forkProgram } from '../shared/fork.ts'
import { spawnProcess } from './process.ts'
import { makeNodeEngine } from './tls-engine.ts'
import { connectUnix, listenUnix, refuse } from './unix.ts'

/** Options of the node backend (`backendOptions`). There are none. */
export type NodeOptions = Record<never, never>

export const nodeBackend: Backend = {
  name: 'node',
  // Deadlines fire in the timers phase, before the poll phase of the same iteration; the check phase comes after both.
  settleIo: (deliver) => void detached(setImmediate, deliver),
  lookup,
  getAddrInfo,
  getNameInfo,
  connectTcp: connect,
  listenTcp: listen,
  connectUnix,
  listenUnix,
  openUdp,
  openUnixDatagram: (_options, answer) =>
    refuse(new UnsupportedError('Node has no UNIX datagram sockets; the native backend does'), answer),
  spawnProcess,
  fork: forkProgram,
  openFile,
  fileSystem: fs,
  startTls: (transport, start, answer) => {
    if (transport instanceof NodeStream) transport.underTls()
    return startEngine(transport, start, makeNodeEngine, answer)
  },
  openSource,
}
