/**
 * The platforms that binaries are built for. Everything that has to agree on them is made of this list, or compared with
 * it: the folders in `npm/`, the optional dependencies of the published package, the build matrix, the release's gate.
 */

/**
 * The oldest glibc that the binaries for Linux run on: the oldest that Rust and zig link for. Node's own binaries need 2.28,
 * but there are builds of Node for older systems, and this costs nothing.
 */
export const GLIBC_FLOOR = '2.17'

/** `triple` is Node's word for it, `target` Rust's. */
export const PLATFORMS = [
  { triple: 'linux-x64-gnu', target: 'x86_64-unknown-linux-gnu', os: 'linux', cpu: 'x64', libc: 'glibc' },
  { triple: 'linux-arm64-gnu', target: 'aarch64-unknown-linux-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc' },
  { triple: 'linux-x64-musl', target: 'x86_64-unknown-linux-musl', os: 'linux', cpu: 'x64', libc: 'musl' },
  { triple: 'linux-arm64-musl', target: 'aarch64-unknown-linux-musl', os: 'linux', cpu: 'arm64', libc: 'musl' },
  { triple: 'darwin-x64', target: 'x86_64-apple-darwin', os: 'darwin', cpu: 'x64' },
  { triple: 'darwin-arm64', target: 'aarch64-apple-darwin', os: 'darwin', cpu: 'arm64' },
  { triple: 'win32-x64-msvc', target: 'x86_64-pc-windows-msvc', os: 'win32', cpu: 'x64' },
  { triple: 'win32-arm64-msvc', target: 'aarch64-pc-windows-msvc', os: 'win32', cpu: 'arm64' },
]

const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' }

/** 'Linux on arm64 with musl' */
export function describe({ os, cpu, libc }) {
  return `${SYSTEMS[os]} on ${cpu}${libc === undefined ? '' : ` with ${libc}`}`
}

/** The platform of this process. */
export function hostPlatform() {
  const header = process.report.getReport().header
  const libc = process.platform !== 'linux' ? undefined : header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
  return PLATFORMS.find(({ os, cpu, ...the }) => os === process.platform && cpu === process.arch && the.libc === libc)
}

export const packageName = ({ triple }) => `structio-${triple}`
export const binaryName = ({ triple }) => `structio.${triple}.node`
