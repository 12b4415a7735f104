/**
 * Installs the packed package as a stranger does: an empty folder, a package manager, no Rust on the search path, and nothing
 * of this repository but the registry that has the tarballs.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { binOf } from './project.js'

/** By name: how each adds packages to a folder, and how it runs a program there. */
export const MANAGERS = {
  npm: { add: ['npm', 'install', '--no-audit', '--no-fund', '--no-update-notifier'] },
  pnpm: { bin: () => binOf('pnpm'), add: ['add', '--config.update-notifier=false'] },
  yarn: { bin: () => binOf('yarn'), add: ['add', '--non-interactive', '--no-progress'] },
  'yarn-berry': {
    bin: () => binOf('@yarnpkg/cli-dist', 'yarn'),
    add: ['add'],
    // Plug'n'Play: no node_modules, and programs are run through yarn.
    runs: ['node'],
    files: (registry) => ({
      '.yarnrc.yml': [
        `npmRegistryServer: '${registry}'`,
        "unsafeHttpWhitelist: ['127.0.0.1']",
        'enableTelemetry: false',
        'enableGlobalCache: false',
        // In CI, yarn takes a lock file that would change for an error; here there is none yet.
        'enableImmutableInstalls: false',
        '',
      ].join('\n'),
      'yarn.lock': '',
    }),
  },
}

/** A folder of a stranger's, where programs are run with `node` and the arguments `args`: `run` runs a command there and gives what it printed; `close` removes it. */
export function openFolder({
  manager = 'npm',
  node = process.execPath,
  args: first = [],
  registry = NOWHERE,
  env = {},
}) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'structio-install-')))
  const home = join(folder, '.home')
  mkdirSync(home)
  const variables = {
    PATH: pathWithoutRust(node),
    HOME: home,
    USERPROFILE: home,
    npm_config_registry: registry,
    npm_config_cache: join(home, 'npm'),
    npm_config_store_dir: join(home, 'pnpm'),
    YARN_REGISTRY: registry,
    YARN_CACHE_FOLDER: join(home, 'yarn'),
    CI: 'true',
    ...env,
  }
  const { add, bin, runs, files } = MANAGERS[manager]
  const write = (all) => {
    for (const [path, text] of Object.entries(all)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  }
  write({ 'package.json': '{ "name": "stranger", "version": "1.0.0", "private": true }\n', ...files?.(registry) })
  const options = (extra) => ({ cwd: folder, env: { ...variables, ...extra } })
  const run = (file, args, extra) => execute(file, args, options(extra))
  const nodeCommand = (args) => (runs === undefined ? [...first, ...args] : [bin(), ...runs, ...args])
  return {
    folder,
    write,
    run,
    /** Adds packages, with the options of the package manager's own. */
    add: (...args) =>
      bin === undefined ? run(add[0], [...add.slice(1), ...args]) : run(node, [bin(), ...add, ...args]),
    node: (args, extra) => run(node, nodeCommand(args), extra),
    /** A program that goes on until it is told to end. */
    start: (args, extra) => start(node, nodeCommand(args), options(extra)),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Resolves with what was printed, whatever the exit code: a test says what it expects. */
function execute(file, args, options) {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      { ...options, timeout: 120_000, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr })
      },
    )
    child.stdin?.end()
  })
}

function start(file, args, options) {
  // A process group, which is what a key press signals: yarn stands between, and leaves Ctrl+C to the program.
  const detached = process.platform !== 'win32'
  const child = spawn(file, args, { ...options, detached, stdio: ['ignore', 'pipe', 'pipe'] })
  const signal = (name) => (detached ? process.kill(-child.pid, name) : child.kill(name))
  const deadline = setTimeout(() => signal('SIGKILL'), 60_000)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const ended = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(deadline)
      resolve({ code: code ?? signal, stderr })
    })
  })
  return {
    /** The next line it prints; its complaints, when it ends instead. */
    line: async () => (await lines.next()).value ?? stderr,
    signal,
    ended,
  }
}

/** A port that nobody listens on: a manager that looks for packages has been given them already. */
const NOWHERE = 'http://127.0.0.1:9/'

/** The folders where programs are looked for, less those with Rust's, and with the Node that is to run the scripts first. */
function pathWithoutRust(node) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const rest = folders.filter((folder) => !['cargo', 'rustc'].some((name) => existsSync(join(folder, name))))
  return [dirname(node), ...rest].join(delimiter)
}
