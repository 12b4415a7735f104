/**
 * The `node` backend: the contract of `backend.ts` on node:net, node:dgram, node:tls and node:child_process, for where the addon has no binary, and as the measure that
 * the addon's behaviour is compared with.
 *
 * - `stream.ts`, `listener.ts`, `datagram.ts`: what is open. - `unix.ts`: paths. - `connect.ts`, `lookup.ts`: what ends in one answer. - `turn.ts`: when.
 * - `process.ts`: child processes.
 * - `services.ts`: services by name.
 * - `../node-files.ts`: files.
 * - `tls-engine.ts`: TLS without I/O, by node:tls; `../engine-transport.ts` puts it over any transport.
 *
 * What node:net cannot do fails with an `UnsupportedError` that says which backend can.
 */
import fs from 'node:fs'
import { UnsupportedError } from '../../errors.ts'
import { detached } from '../../kernel/detached.ts'
import type { Backend } from '../backend.ts'
import { startEngine } from '../engine-transport.ts'
import { openSource } from '../file-source.ts'
import { openFile } from '../node-files.ts'
import { connect } from './connect.ts'
import { openUdp } from './datagram.ts'
import { listen } from './listener.ts'
import { getAddrInfo, getNameInfo, lookup } from './lookup.ts'
import { NodeStream } from './stream.ts'
import { forkProgram } from '../fork.ts'
import { spawnProcess } from './process.ts'
import { makeNodeEngine } from './tls-engine.ts'
import { connectUnix, listenUnix, refuse } from './unix.ts'

/** How the node backend is set up (`backendOptions`): there is nothing to choose. */
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
