/**
 * The programs that the interop tests talk to: OpenSSL's command, the servers of PostgreSQL, Redis and MariaDB, a mail, a
 * web and a name server, socat and dig, from Debian's packages. Where they can be installed, they are; elsewhere the tests that
 * need a missing one say so and are skipped, except in CI, where a test that is skipped would be one that nobody knows to be
 * missing.
 *
 * No service is started and no configuration of the system's is used: the tests run their own, on free ports.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.js'

const PEERS = [
  { program: 'openssl', package: 'openssl' },
  { program: 'postgres', package: 'postgresql' },
  { program: 'exim4', package: 'exim4-daemon-light' },
  { program: 'nginx', package: 'nginx-light' },
  { program: 'curl', package: 'curl' },
  { program: 'redis-server', package: 'redis-server' },
  { program: 'mariadbd', package: 'mariadb-server' },
  { program: 'socat', package: 'socat' },
  { program: 'dnsmasq', package: 'dnsmasq-base' },
  { program: 'dig', package: 'bind9-dnsutils' },
]

/** The file of a program, `undefined` where it is not installed. */
export function findProgram(name) {
  return folders()
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}

/** Installs what is missing. Does nothing, and quickly, where nothing is. */
export async function installPeers() {
  const missing = PEERS.filter(({ program }) => findProgram(program) === undefined)
  if (missing.length === 0) return
  const names = missing.map(({ program }) => program).join(', ')
  if (!canInstall()) {
    if (process.env.CI === 'true') throw new Error(`not installed, and only root can on Debian: ${names}`)
    console.log(`not installed, so their interop tests are skipped: ${names}`)
    return
  }
  console.log(`installing what the interop tests talk to: ${names}`)
  const ok = await withoutStarting(() => apt(missing.map((peer) => peer.package)))
  if (ok) return
  if (process.env.CI === 'true') throw new Error(`could not be installed: ${names}`)
  console.log(`could not be installed, so their interop tests are skipped: ${names}`)
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version')
}

async function apt(packages) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const update = await command('apt-get', ['update', '-qq'], { env })
  if (!update.ok) return false
  const install = await command('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env })
  return install.ok
}

/** Debian starts a service when it is installed, unless a policy forbids it. */
async function withoutStarting(install) {
  const policy = '/usr/sbin/policy-rc.d'
  const own = !existsSync(policy)
  if (own) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return await install()
  } finally {
    if (own) rmSync(policy)
  }
}

/** What the search path of a user lacks: where Debian keeps servers. */
function folders() {
  const postgres = '/usr/lib/postgresql'
  const versions = existsSync(postgres) ? readdirSync(postgres).sort((a, b) => Number(b) - Number(a)) : []
  return [
    ...(process.env.PATH ?? '').split(':'),
    '/usr/sbin',
    ...versions.map((version) => join(postgres, version, 'bin')),
  ]
}
