/**
 * The own tests of clients, over node:net and over our sockets: how many pass on either.
 *
 *   node scripts/client-suites.js [suite …]
 *
 * Few packages publish their tests, and few of those run on a current Node; these versions do. They are fetched into
 * `target/suites` and run twice each, once as they are and once behind `client-suites/on-structio.mjs`. Not a part of `npm test`:
 * the tests are old, want servers at fixed ports, and some of them a network.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { must } from './lib/command.js'
import { findProgram } from './lib/peers.js'
import { inRoot } from './lib/project.js'

const SUITES = {
  ioredis: {
    package: 'ioredis@1.15.1',
    needs: ['mocha@2', 'chai@2', 'sinon@1', 'redis@2', 'server-destroy@1'],
    mocha: ['--recursive', 'test/helpers', 'test/unit', 'test/functional'],
    server: ['redis-server', '--port', '6379', '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
  },
  needle: {
    package: 'needle@3.3.1',
    needs: ['mocha@8', 'should@13', 'sinon@2', 'jschardet@1', 'q@1', 'xml2js@0.4', 'pump@3', 'JSONStream@1'],
    mocha: ['--exit', 'test/*_spec.js'],
    prepare: (root) => certificate(join(root, 'test', 'keys')),
  },
}

const wanted = process.argv.slice(2)
for (const [name, suite] of Object.entries(SUITES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const root = await fetched(name, suite)
  const server = await started(suite.server)
  for (const [on, preload] of [
    ['node:net', []],
    ['our sockets', ['--import', new URL('./client-suites/on-structio.mjs', import.meta.url).href]],
  ]) {
    const { passed, failed, titles } = await mocha(root, preload, suite.mocha)
    console.log(`${suite.package} on ${on}: ${passed} passed, ${failed} failed`)
    for (const title of titles) console.log(`  ${title}`)
  }
  server?.kill()
}

/** The package with its tests, and what they need. */
async function fetched(name, { package: spec, needs, prepare }) {
  const root = inRoot('target', 'suites', name)
  if (existsSync(join(root, 'node_modules', 'mocha'))) return root
  mkdirSync(root, { recursive: true })
  await must('npm', ['pack', '--silent', '--pack-destination', root, spec])
  const archive = readdirSync(root).find((file) => file.endsWith('.tgz'))
  await must('tar', ['xf', join(root, archive), '-C', root, '--strip-components=1'])
  await must('npm', ['install', '--prefix', root, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...needs])
  await prepare?.(root)
  return root
}

async function certificate(folder) {
  mkdirSync(folder, { recursive: true })
  const files = ['-keyout', join(folder, 'ssl.key'), '-out', join(folder, 'ssl.cert')]
  await must('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '30',
    '-subj',
    '/CN=localhost',
    ...files,
  ])
}

async function started([program, ...args] = []) {
  if (program === undefined) return undefined
  const path = findProgram(program)
  if (path === undefined) throw new Error(`${program} is not installed`)
  const server = spawn(path, args, { stdio: 'ignore', cwd: inRoot('target', 'suites') })
  await delay(500)
  if (server.exitCode !== null) throw new Error(`${program} has ended: is its port taken?`)
  return server
}

function mocha(root, preload, args) {
  const command = [...preload, 'node_modules/mocha/bin/_mocha', '--reporter', 'dot', '--timeout', '8000', ...args]
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: root, timeout: 300_000, maxBuffer: 2 ** 28 }, (_, stdout) => {
      const count = (what) => Number(new RegExp(`^ *(\\d+) ${what}`, 'm').exec(stdout)?.[1] ?? 0)
      const titles = [...stdout.matchAll(/^ {2}\d+\) (.+(?:\n {7}.+)*)/gm)].map(([, title]) =>
        title.replace(/\s+/g, ' '),
      )
      resolve({ passed: count('passing'), failed: count('failing'), titles })
    })
  })
}
