/** What the main job measures: each case is one load, and the work that bears it on either side. */
import type { Load, Tls } from '../../bench/harness/generator.ts'
import type { Program } from '../../bench/harness/server.ts'
import { nodeNet, nodeTls, structio } from '../../bench/servers/catalogue.ts'

/** Two servers that do the same work, one process each, from the first case to the last. */
export interface Section {
  readonly title: string
  readonly ours: Program
  readonly peer: Program
  readonly cases: readonly Case[]
  /** Where all of it is under TLS. */
  readonly tls?: Tls
}

export interface Case {
  readonly title: string
  readonly load: Load
  readonly ours: string
  readonly peer: string
}

export const sections: readonly Section[] = [
  {
    title: 'TCP',
    ours: structio({ backend: 'native' }),
    peer: nodeNet,
    cases: [
      echo(1, 64),
      echo(64, 64),
      echo(512, 64),
      echo(64, 16_384),
      lines('in batches, corked', 'line-batches', 'lines-corked'),
    ],
  },
  {
    title: 'TLS 1.3',
    ours: structio({ backend: 'native', tls: true }),
    peer: nodeTls,
    cases: [echo(64, 64), echo(64, 16_384), handshakes(64)].map(overTls),
    tls: {},
  },
]

function echo(connections: number, size: number): Case {
  const amount = size < 1024 ? `${size} B` : `${size / 1024} KiB`
  const peers = connections === 1 ? '1 connection' : `${connections} connections`
  return {
    title: `Echo ${amount}, ${peers}`,
    load: { mode: 'echo', connections, size },
    ours: 'echo',
    peer: 'echo',
  }
}

function lines(how: string, ours: string, peer: string): Case {
  return {
    title: `Lines, 16 pipelined, ${how}`,
    load: { mode: 'lines', connections: 64, size: 64, pipeline: 16 },
    ours,
    peer,
  }
}

function handshakes(connections: number): Case {
  return {
    title: `Full handshakes, ${connections} at a time`,
    load: { mode: 'handshakes', connections },
    ours: 'handshake',
    peer: 'handshake',
  }
}

function overTls(one: Case): Case {
  return { ...one, load: { ...one.load, tls: {} } }
}
