/** The gate before publishing: what is complete passes, and each defect that was ever shipped by somebody stops it. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import test from 'ava'
import { folderForAll, script, type Platform } from '../support/packages.ts'

const { GLIBC_FLOOR, PLATFORMS, binaryName, packageName } = await script('platforms.js')
const { compareVersions, readBinary } = await script('binary.js')
const { npmPack, pack } = await script('pack.js')
const { findProblems } = await script('release.js')

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const folder = folderForAll(test)
const packages = join(folder, 'packages')
const tarball = (name: string): string => join(packages, `${name}-${version}.tgz`)

test.before(async () => {
  const artifacts = join(folder, 'artifacts')
  mkdirSync(artifacts)
  for (const platform of PLATFORMS) writeFileSync(join(artifacts, binaryName(platform)), makeBinary(platform))
  await pack({ artifacts, into: packages })
})

test.serial('every platform in one version passes, and so does its tag', (t) => {
  t.deepEqual(findProblems(packages), [])
  t.deepEqual(findProblems(packages, { tag: `v${version}` }), [])
})

test.serial('another tag does not', (t) => {
  t.deepEqual(findProblems(packages, { tag: 'v9.9.9' }), [`the tag is v9.9.9, and package.json says ${version}`])
})

for (const platform of PLATFORMS) {
  test.serial(`nothing is published without the tarball for ${platform.triple}`, (t) => {
    const path = tarball(packageName(platform))
    renameSync(path, `${path}.away`)
    t.deepEqual(findProblems(packages), [`${basename(path)} is missing`])
    renameSync(`${path}.away`, path)
  })
}

const [gnu, , musl, , mac] = PLATFORMS as [Platform, Platform, Platform, Platform, Platform]

/** What the gate says of a platform's package that was changed before it was packed. */
async function changed(platform: Platform | undefined, change: (staged: string) => void): Promise<string[]> {
  const name = platform === undefined ? 'structio' : packageName(platform)
  const staged = join(folder, 'staged')
  cpSync(join(packages, name), staged, { recursive: true })
  const path = tarball(name)
  renameSync(path, `${path}.away`)
  try {
    change(staged)
    await npmPack(staged, packages)
    const named = readdirSync(packages)
    if (!named.includes(basename(path))) return [`packed ${named.join(', ')}, and not ${basename(path)}`]
    return findProblems(packages).map((problem) => problem.replace(`${basename(path)}: `, ''))
  } finally {
    rmSync(staged, { recursive: true })
    rmSync(path, { force: true })
    renameSync(`${path}.away`, path)
  }
}

const editManifest =
  (edit: (manifest: Record<string, any>) => void) =>
  (staged: string): void => {
    const path = join(staged, 'package.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, any>
    edit(manifest)
    writeFileSync(path, JSON.stringify(manifest))
  }

const writeBinary =
  (platform: Platform, bytes: Buffer) =>
  (staged: string): void =>
    writeFileSync(join(staged, binaryName(platform)), bytes)

const defects: [string, Platform | undefined, (staged: string) => void, RegExp][] = [
  ['a binary that is not there', gnu, (staged) => rmSync(join(staged, binaryName(gnu))), /^lacks structio\.linux-x64/],
  ['a binary for another processor', gnu, writeBinary(gnu, makeBinary(PLATFORMS[1]!)), /is for linux arm64 glibc/],
  ['a binary for another C library', gnu, writeBinary(gnu, makeBinary(musl)), /is for linux x64 musl/],
  ['a binary for another system', gnu, writeBinary(gnu, makeBinary(mac)), /is for darwin x64/],
  ['a file that is no binary', gnu, writeBinary(gnu, Buffer.from('<html>'.repeat(30))), /is for nothing known/],
  [
    'a binary that needs a newer glibc',
    gnu,
    writeBinary(gnu, makeBinary(gnu, '2.34')),
    /needs glibc 2\.34, and may need/,
  ],
  ['a binary of another version', mac, writeBinary(mac, makeBinary(mac, '', '9.9.9')), /is of another version/],
  [
    'system calls that misbehave',
    gnu,
    writeBinary(gnu, Buffer.concat([makeBinary(gnu), Buffer.from('STRUCTIO_SYSTEM_SEED')])),
    /is a build for tests/,
  ],
  [
    'debug symbols',
    mac,
    writeBinary(mac, Buffer.concat([makeBinary(mac), Buffer.alloc(2e7)])),
    /20 MB: is it stripped/,
  ],
  ['an install script', mac, editManifest((all) => (all['scripts'] = { install: 'true' })), /install scripts: install/],
  [
    'another name',
    mac,
    editManifest((all) => (all['name'] = packageName(mac).replace('64', '86'))),
    /and not structio-/,
  ],
  [
    'a platform that the package does not name',
    undefined,
    editManifest((all) => delete all['optionalDependencies'][packageName(mac)]),
    /not every platform, in exactly this version/,
  ],
  [
    'a range instead of a version',
    undefined,
    editManifest((all) => (all['optionalDependencies'][packageName(mac)] = `^${version}`)),
    /not every platform, in exactly this version/,
  ],
  ['dependencies', undefined, editManifest((all) => (all['dependencies'] = { x: '1' })), /^has dependencies/],
  [
    'missing types',
    undefined,
    (staged) => rmSync(join(staged, 'index.d.ts')),
    /^lacks \.\/index\.d\.ts, which it exports/,
  ],
  ['a missing loader', undefined, (staged) => rmSync(join(staged, 'dist/internal/binding.cjs')), /^lacks the loader/],
]

for (const [name, platform, change, expected] of defects) {
  test.serial(`nothing is published with ${name}`, async (t) => {
    const problems = await changed(platform, change)
    t.true(
      problems.some((problem) => expected.test(problem)),
      problems.join('\n'),
    )
  })
}

test('versions are compared as numbers', (t) => {
  t.true(compareVersions('2.9', '2.17') < 0)
  t.true(compareVersions('2.34', '2.4') > 0)
  t.is(compareVersions('2.17', '2.17'), 0)
  t.true(compareVersions('2.2.5', '2.2') > 0)
})

test('the binary that was built here is read for what it is', async (t) => {
  const { hostPlatform } = await script('platforms.js')
  const host = hostPlatform()!
  const bytes = readFileSync(new URL(`../../src/native/${binaryName(host)}`, import.meta.url))
  const binary = readBinary(bytes)
  t.false(bytes.includes('STRUCTIO_SYSTEM_SEED'), 'its system calls misbehave')
  t.like(binary, { os: host.os, cpu: host.cpu, ...(host.libc === undefined ? {} : { libc: host.libc }) })
  if (host.libc === 'glibc') t.regex(binary?.glibc ?? '', /^2\.\d+$/)
  t.is(readBinary(Buffer.alloc(200)), undefined)
  t.is(readBinary(Buffer.alloc(3)), undefined)
})

/** As much of a library as the gate reads. */
function makeBinary({ os, cpu, libc }: Platform, glibc = GLIBC_FLOOR, of = version): Buffer {
  const identity = Buffer.from(`\0structio ${of}\0`)
  const header = Buffer.alloc(128)
  if (os === 'darwin') {
    header.writeUInt32LE(0xfeedfacf)
    header.writeUInt32LE(cpu === 'x64' ? 0x01000007 : 0x0100000c, 4)
  } else if (os === 'win32') {
    header.write('MZ')
    header.writeUInt32LE(64, 0x3c)
    header.write('PE\0\0', 64)
    header.writeUInt16LE(cpu === 'x64' ? 0x8664 : 0xaa64, 68)
  } else {
    return Buffer.concat([makeElf(cpu, libc === 'glibc' ? glibc : undefined), identity])
  }
  return Buffer.concat([header, identity])
}

/** Four sections: the names, what is needed, versions of it, and the empty one that is always first. */
function makeElf(cpu: string, glibc: string | undefined): Buffer {
  const names = Buffer.from(`\0${glibc === undefined ? 'libc.so' : 'libc.so.6'}\0GLIBC_${glibc ?? ''}\0`)
  const dynamic = Buffer.alloc(32)
  dynamic.writeBigUInt64LE(1n)
  dynamic.writeBigUInt64LE(1n, 8)
  const versions = Buffer.alloc(32)
  versions.writeUInt16LE(1)
  versions.writeUInt16LE(1, 2)
  versions.writeUInt32LE(1, 4)
  versions.writeUInt32LE(16, 8)
  versions.writeUInt32LE(names.indexOf('GLIBC'), 16 + 8)
  const header = Buffer.alloc(64)
  header.writeUInt32BE(0x7f454c46)
  header.writeUInt16LE(cpu === 'x64' ? 62 : 183, 18)
  const contents = [
    [0, Buffer.alloc(0), 0],
    [3, names, 0],
    [6, dynamic, 1],
    ...(glibc === undefined ? [] : ([[0x6ffffffe, versions, 1]] as const)),
  ] as [type: number, bytes: Buffer, link: number][]
  const bodies: Buffer[] = []
  const sections: Buffer[] = []
  let at = header.length
  for (const [type, bytes, link] of contents) {
    const section = Buffer.alloc(64)
    section.writeUInt32LE(type, 4)
    section.writeBigUInt64LE(BigInt(at), 24)
    section.writeBigUInt64LE(BigInt(bytes.length), 32)
    section.writeUInt32LE(link, 40)
    sections.push(section)
    bodies.push(bytes)
    at += bytes.length
  }
  header.writeBigUInt64LE(BigInt(at), 40)
  header.writeUInt16LE(64, 58)
  header.writeUInt16LE(sections.length, 60)
  return Buffer.concat([header, ...bodies, ...sections])
}
