/**
 * The search with system calls that misbehave by seed (`crates/core/src/system.rs`): an addon of its own, in
 * `target/misbehaving`, with the feature that no published binary has.
 */
import { cpSync, mkdirSync, renameSync } from 'node:fs'
import { resolve } from 'node:path'
import { ava } from './ava.js'
import { must } from './command.js'
import { inRoot, root } from './project.js'

/** What must not notice that calls come short, are interrupted, or refuse once more. */
const HARMLESS_TO = [
  ...['streams', 'sends-queue', 'send-file', 'stream-kit', 'relay', 'closing', 'shared-memory'],
  ...['tls', 'udp', 'unix', 'wait-socket', 'files', 'paths', 'processes', 'node-duplex', 'node-streams', 'serve-http'],
].map((name) => `__test__/conformance/${name}*.spec.ts`)

/** Each kind of transport once, in seconds. */
const SHORT = ['streams-random', 'unix-descriptors', 'tls-streams', 'files', 'processes-streams'].map(
  (name) => `__test__/conformance/${name}.spec.ts`,
)

const ADDON = inRoot('target', 'misbehaving', 'structio.node')

/** An unoptimised build: it shares what it is made of with the Rust tests, and nothing with the release. */
export async function buildMisbehaving() {
  const feature = ['--features', 'structio-binding/misbehaving-system']
  await must('cargo', ['build', '--package', 'structio-binding', ...feature])
  const built = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug')
  const library = { darwin: 'libstructio_binding.dylib', win32: 'structio_binding.dll' }[process.platform]
  mkdirSync(inRoot('target', 'misbehaving'), { recursive: true })
  // Renamed into place: a program may have the old one mapped.
  cpSync(resolve(built, library ?? 'libstructio_binding.so'), `${ADDON}.new`)
  renameSync(`${ADDON}.new`, ADDON)
}

const LEFT_OUT = [
  // Not of this addon.
  ...['!*[node]', '!*[node,*', '!*[virtual]', '!*[virtual,*'],
  // A close takes what the queue of a listener holds until accepting is refused, and believes the refusal.
  '!*closing serves what the kernel has queued*',
  // The alert of a failed handshake gets one attempt. Refused once more it is lost, and the peer is told of a closed connection
  // where it should be told of the alert (docs/design/reliability.md).
  '!*a server’s certificate*',
  '!*a client’s certificate*',
  '!*nothing in common*',
]

/** The conformance suite, or a short part of it, with calls that misbehave by this seed and do not fail. */
export function checkHarmless(seed, extent) {
  const files = extent === 'short' ? SHORT : HARMLESS_TO
  const matching = ['*', ...LEFT_OUT].flatMap((pattern) => ['--match', pattern])
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: ADDON, STRUCTIO_SYSTEM_SEED: String(seed) }
  return ava(process.execPath, [...files, ...matching], env)
}

/** Failing calls for a third of the time, then the conformance suite, seed after seed; once at least. */
export async function searchSystemCalls({ seconds, seed, drivers }) {
  await buildMisbehaving()
  const until = performance.now() + seconds * 1000
  for (const driver of drivers) {
    const some = String(Math.ceil(seconds / 3 / drivers.length))
    const program = ['--import=tsx', '__test__/stress/programs/failing.ts']
    await must(process.execPath, [...program, '--seconds', some, '--seed', String(seed), '--driver', driver])
  }
  let next = seed
  do {
    const { passed, failed } = await checkHarmless(next, 'whole')
    if (failed > 0) throw new Error(`seed ${next}: ${failed} tests fail`)
    console.log(`seed ${next}: ${passed} tests pass`)
    next++
  } while (performance.now() < until)
}
