/**
 * The searches in the Rust half by tools of the nightly toolchain. Each throws when its tool has found something.
 *
 *     miri      undefined behaviour in what makes no system call
 *     address   memory errors in the Rust tests, and in the addon under the JavaScript stress programs (AddressSanitizer)
 *     thread    data races in the Rust tests (ThreadSanitizer)
 *     fuzz      arbitrary input for the targets of crates/fuzz (cargo-fuzz)
 *
 * loom needs no nightly, and is part of `npm test` as a whole.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { must } from './command.js'
import { inRoot } from './project.js'

export const RUST_SEARCHES = { miri, address, thread, fuzz }

/** The targets of crates/fuzz. */
const FUZZ_TARGETS = ['tls_handshake', 'tls_session', 'records', 'addresses']

/** The crates whose tests run under the sanitizers; examples in comments are not compiled with them. */
const TESTED = ['structio-wakeups', 'structio-core', 'structio-binding', 'structio-fuzz'].flatMap((name) => [
  '-p',
  name,
])

/** With a target, cargo does not instrument the programs that run while it builds. */
const TARGET = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`

/** A report needs lines, and nothing else that makes building slow. */
const LINES = { CARGO_PROFILE_DEV_DEBUG: 'line-tables-only', CARGO_PROFILE_TEST_DEBUG: 'line-tables-only' }

/** The tests of crates/core that make no system call and call no C. */
const PURE = ['streams::unsent', 'tls::failure', 'socket_options']

/** The stress programs that the addon runs under, with what makes each long enough. */
const STRESS = [
  ['rings.ts', '--seconds', 'SECONDS', '--driver', 'nested'],
  ['rings.ts', '--seconds', 'SECONDS', '--driver', 'thread'],
  ['cancelling.ts', '--seconds', 'SECONDS', '--driver', 'nested'],
  ['cancelling.ts', '--seconds', 'SECONDS', '--driver', 'thread'],
  ['workers.mjs', 'nested', '24'],
  ['workers.mjs', 'thread', '24'],
]

async function miri() {
  demand(['miri', 'rust-src'])
  const env = { MIRIFLAGS: '-Zmiri-disable-isolation', CARGO_TARGET_DIR: inRoot('target', 'miri') }
  await nightly(['miri', 'test', '-p', 'structio-wakeups'], env)
  await nightly(['miri', 'test', '-p', 'structio-binding', '--lib', '--', 'rings', 'uv'], env)
  await nightly(['miri', 'test', '-p', 'structio-core', '--lib', '--', ...PURE], env)
}

async function address({ seconds = '60' }) {
  demand([])
  const folder = inRoot('target', 'address')
  const env = { ...LINES, RUSTFLAGS: '-Zsanitizer=address', CARGO_TARGET_DIR: folder }
  await nightly(['test', '--tests', ...TESTED, '--target', TARGET], env)

  await nightly(['build', '-p', 'structio-binding', '--target', TARGET], env)
  const addon = `${folder}/structio.node`
  copyFileSync(`${folder}/${TARGET}/debug/libstructio_binding.so`, addon)
  for (const [program, ...args] of STRESS) {
    const given = args.map((argument) => (argument === 'SECONDS' ? seconds : argument))
    await must(process.execPath, ['--import=tsx', `__test__/stress/programs/${program}`, ...given], {
      env: {
        NAPI_RS_NATIVE_LIBRARY_PATH: addon,
        LD_PRELOAD: asanRuntime(),
        // Node itself leaves memory behind when it ends, and V8 has its own handler for faults in WebAssembly.
        ASAN_OPTIONS: 'detect_leaks=0:allow_user_segv_handler=1:abort_on_error=1',
      },
    })
  }
}

async function thread() {
  demand(['rust-src'])
  const env = {
    ...LINES,
    RUSTFLAGS: '-Zsanitizer=thread',
    CARGO_TARGET_DIR: inRoot('target', 'thread'),
    TSAN_OPTIONS: 'halt_on_error=1',
  }
  await nightly(['test', '--tests', '-Zbuild-std', ...TESTED, '--target', TARGET], env)
}

async function fuzz({ seconds = '60', seed = '1', only }) {
  demand([])
  if (!runs('cargo', ['fuzz', '--version'])) throw new Error('cargo-fuzz is missing: cargo install cargo-fuzz')
  for (const target of FUZZ_TARGETS.filter((name) => only === undefined || name === only)) {
    const grown = inRoot('target', 'fuzz', 'corpus', target)
    const found = inRoot('target', 'fuzz', 'found', target)
    for (const folder of [grown, found]) mkdirSync(folder, { recursive: true })
    await nightly(
      [
        ...['fuzz', 'run', '--fuzz-dir', 'crates/fuzz', '--features', 'libfuzzer'],
        ...['--target-dir', inRoot('target', 'fuzz'), target, grown, inRoot('crates', 'fuzz', 'corpus', target)],
        ...['--', `-max_total_time=${seconds}`, `-seed=${seed}`, '-max_len=1024', '-timeout=30'],
        ...[`-artifact_prefix=${found}/`, '-print_final_stats=1'],
      ],
      // What is published is built for size and speed; this is to be built soon, and to say where it fails.
      {
        CARGO_PROFILE_RELEASE_LTO: 'off',
        CARGO_PROFILE_RELEASE_STRIP: 'none',
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
      },
    )
  }
}

function nightly(args, env) {
  return must('cargo', ['+nightly', ...args], { env })
}

function demand(components) {
  const why = missing(components)
  if (why !== null) throw new Error(why)
}

function missing(components) {
  if (process.platform !== 'linux') return 'these searches run on Linux'
  if (!runs('cargo', ['+nightly', '--version']))
    return 'the nightly toolchain is missing: rustup toolchain install nightly'
  const list = execFileSync('rustup', ['component', 'list', '--toolchain', 'nightly', '--installed'], {
    encoding: 'utf8',
  })
  const absent = components.filter((component) => !list.split('\n').some((line) => line.startsWith(component)))
  if (absent.length === 0) return null
  return `${absent.join(' and ')} missing: rustup component add --toolchain nightly ${absent.join(' ')}`
}

function runs(file, args) {
  try {
    execFileSync(file, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * AddressSanitizer's runtime as a library that is loaded before Node. Rust ships it as an archive for its own programs alone; gcc's
 * is of the same interface.
 */
function asanRuntime() {
  const path = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
  if (!existsSync(path)) throw new Error('the runtime of AddressSanitizer is missing: it comes with gcc (libasan)')
  return path
}
