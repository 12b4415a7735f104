/**
 * What a built library is, read from its own bytes: the release's gate looks at binaries for every platform on one machine.
 * No more of the formats than that takes.
 */

/**
 * @typedef {object} Binary
 * @property {'linux' | 'darwin' | 'win32'} os
 * @property {string} cpu Node's word for it, or the number in the file
 * @property {'glibc' | 'musl'} [libc]
 * @property {string} [glibc] the newest version of glibc that a symbol asks for
 */

/** @returns {Binary | undefined} undefined for anything that is no library of the three systems */
export function readBinary(bytes) {
  if (bytes.length < 64) return undefined
  if (bytes.readUInt32BE(0) === 0x7f454c46) return readElf(bytes)
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return { os: 'darwin', cpu: cpu(MACH_O, bytes.readUInt32LE(4)) }
  if (bytes.toString('latin1', 0, 2) === 'MZ') return readPe(bytes)
  return undefined
}

const ELF = { 62: 'x64', 183: 'arm64' }
const MACH_O = { 0x01000007: 'x64', 0x0100000c: 'arm64' }
const PE = { 0x8664: 'x64', 0xaa64: 'arm64' }

const cpu = (names, number) => names[number] ?? String(number)

function readPe(bytes) {
  const header = bytes.readUInt32LE(0x3c)
  if (header + 6 > bytes.length || bytes.toString('latin1', header, header + 4) !== 'PE\0\0') return undefined
  return { os: 'win32', cpu: cpu(PE, bytes.readUInt16LE(header + 4)) }
}

/** 64 bits, little-endian: what Node runs on. Linux asks for a C library by name, and glibc's symbols have versions. */
function readElf(bytes) {
  const sections = elfSections(bytes)
  const needed = neededLibraries(sections)
  const versions = neededVersions(sections).filter((name) => name.startsWith('GLIBC_'))
  const glibc = needed.some((name) => name === 'libc.so.6')
  return {
    os: 'linux',
    cpu: cpu(ELF, bytes.readUInt16LE(18)),
    libc: glibc ? 'glibc' : 'musl',
    ...(glibc
      ? {
          glibc: versions
            .map((name) => name.slice('GLIBC_'.length))
            .sort(compareVersions)
            .at(-1),
        }
      : {}),
  }
}

const SHT_DYNAMIC = 6
const SHT_GNU_VERNEED = 0x6ffffffe
const DT_NEEDED = 1n
const VER_FLG_WEAK = 2

function elfSections(bytes) {
  const [at, size, count] = [Number(bytes.readBigUInt64LE(40)), bytes.readUInt16LE(58), bytes.readUInt16LE(60)]
  return Array.from({ length: count }, (_, index) => {
    const header = bytes.subarray(at + index * size, at + (index + 1) * size)
    const [offset, length] = [Number(header.readBigUInt64LE(24)), Number(header.readBigUInt64LE(32))]
    return {
      type: header.readUInt32LE(4),
      bytes: bytes.subarray(offset, offset + length),
      link: header.readUInt32LE(40),
    }
  })
}

function neededLibraries(sections) {
  const dynamic = sections.find(({ type }) => type === SHT_DYNAMIC)
  if (dynamic === undefined) return []
  const names = []
  for (let at = 0; at + 16 <= dynamic.bytes.length; at += 16) {
    if (dynamic.bytes.readBigUInt64LE(at) !== DT_NEEDED) continue
    names.push(text(sections[dynamic.link].bytes, Number(dynamic.bytes.readBigUInt64LE(at + 8))))
  }
  return names
}

/** A chain of files, each with a chain of the versions that are needed of it. */
function neededVersions(sections) {
  const section = sections.find(({ type }) => type === SHT_GNU_VERNEED)
  if (section === undefined) return []
  const { bytes, link } = section
  const names = []
  for (let file = 0, more = true; more;) {
    const versions = bytes.readUInt16LE(file + 2)
    let at = file + bytes.readUInt32LE(file + 8)
    for (let left = versions; left > 0; left--) {
      const weak = (bytes.readUInt16LE(at + 4) & VER_FLG_WEAK) !== 0
      if (!weak) names.push(text(sections[link].bytes, bytes.readUInt32LE(at + 8)))
      at += bytes.readUInt32LE(at + 12)
    }
    const next = bytes.readUInt32LE(file + 12)
    file += next
    more = next !== 0
  }
  return names
}

function text(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at))
}

/** Orders '2.9' before '2.17'. */
export function compareVersions(a, b) {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
