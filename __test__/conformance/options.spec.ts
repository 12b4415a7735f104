/** An unknown option is an error that names the right one, in every options object of the library. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { inspect } from 'node:util'
import test from 'ava'
import ts from 'typescript'
import * as structio from '../../index.ts'
import { NodeSocket, serveHttp, toDuplex, toWebStreams } from '../../src/node/index.ts'
import { checkStream, memoryStreamPair, VirtualClock, VirtualNetwork } from '../../src/testing/index.ts'
import { eachBackend, eachRealBackend } from '../support/backends.ts'
import { exportedNames } from '../support/source-graph.ts'

const {
  CancelScope,
  Path,
  abandonOnCancel,
  aopen,
  connectTcp,
  createSemaphore,
  createTaskGroup,
  createTcpServer,
  createTlsContext,
  createUdpSocket,
  createUnixDatagramSocket,
  createUnixServer,
  openCancelScope,
  openProcess,
  run,
  runProcess,
  TemporaryDirectory,
  wrapTls,
} = structio

/** A body that must never run: options are checked before anything is started. */
const never = (): never => {
  throw new Error('was called')
}
const path = new Path('/nonexistent-structio')
/** Closed at the end of their test, so that nothing is left. */
const stream = () => memoryStreamPair()[0]
const server = (call: (server: structio.SocketStreamServer) => unknown) => async () => {
  await using opened = await createTcpServer(0, { interface: '127.0.0.1' })
  return await call(opened)
}
const first = (iterable: AsyncIterable<unknown>) => iterable[Symbol.asyncIterator]().next()
const group = (call: (group: structio.TaskGroup) => unknown) => () =>
  createTaskGroup(async (tg) => void (await call(tg)))
const unwrapped = (error: unknown): unknown => (error instanceof structio.ExceptionGroup ? error.errors[0] : error)

type Row = (options: never) => unknown

/** How each is called with wrong options; all else is right. */
const table: Record<string, Row> = {
  'CancelScope.constructor': (o) => new CancelScope(o),
  'Path.copy': (o) => path.copy('x', o),
  'Path.copyInto': (o) => path.copyInto('x', o),
  'Path.mkdir': (o) => path.mkdir(o),
  'Path.open': (o) => path.open('r', o),
  'Path.readText': (o) => path.readText(o),
  'Path.resolve': (o) => path.resolve(o),
  'Path.stat': (o) => path.stat(o),
  'Path.symlinkTo': (o) => path.symlinkTo('x', o),
  'Path.touch': (o) => path.touch(o),
  'Path.unlink': (o) => path.unlink(o),
  'Path.walk': (o) => first(path.walk(o)),
  'Path.writeText': (o) => path.writeText('x', o),
  'SocketStream.sendFile': (o) => overTcp((client) => client.sendFile('x', o)),
  'SocketStream.startTls': (o) => overTcp((client) => client.startTls(undefined, o)),
  'SocketStreamServer.serve': (o) => server((opened) => opened.serve(never, o))(),
  'Stream.receiveDelimitedBatches': (o) => first(stream().receiveDelimitedBatches('\n', 9, o)),
  'Stream.receiveDelimitedChunks': (o) => first(stream().receiveDelimitedChunks('\n', 9, o)),
  'Stream.receiveUntil': (o) => stream().receiveUntil('\n', 9, o),
  'Stream.sendFile': (o) => stream().sendFile('x', o),
  'Supervisor.spawn': (o) => structio.createSupervisor({ onError: never }, (sv) => void sv.spawn(o, never)),
  'TaskGroup.spawn': (o) => group((tg) => void tg.spawn(o, never))(),
  'TaskGroup.start': (o) => group((tg) => tg.start(o, never))(),
  NamedTemporaryFile: (o) => structio.NamedTemporaryFile('w+b', o),
  TemporaryDirectory: (o) => TemporaryDirectory(o),
  TemporaryFile: (o) => structio.TemporaryFile('w+b', o),
  abandonOnCancel: (o) => abandonOnCancel(Promise.resolve(), o),
  aopen: (o) => aopen('x', 'r', o),
  connectTcp: (o) => connectTcp('127.0.0.1', 1, o),
  createBroadcast: (o) => structio.createBroadcast(1, o),
  createBlockingPortal: (o) => structio.createBlockingPortal({ ...(o as object), expose: {} }),
  createPool: (o) => structio.createPool(o),
  createRateLimiter: (o) => structio.createRateLimiter(o),
  createSemaphore: (o) => createSemaphore(1, o),
  createSupervisor: (o) => structio.createSupervisor({ ...(o as object), onError: never }, never),
  createTaskGroup: (o) => createTaskGroup(o, never),
  createTcpServer: (o) => createTcpServer(0, o),
  createTlsContext: (o) => createTlsContext(o),
  createUdpSocket: (o) => createUdpSocket(o),
  createUnixDatagramSocket: (o) => createUnixDatagramSocket(o),
  createUnixServer: (o) => createUnixServer('x', o),
  every: (o) => structio.every(1, o, never),
  failAfter: (o) => structio.failAfter(1, o, never),
  failAt: (o) => structio.failAt(1, o, never),
  fromEmitter: (o) => structio.fromEmitter(new EventTarget(), 'x', { ...(o as object), capacity: 1, onFull: 'error' }),
  gather: (o) => structio.gather([never], o),
  getAddrInfo: (o) => structio.getAddrInfo('localhost', 1, o),
  getNameInfo: (o) => structio.getNameInfo({ address: '127.0.0.1', port: 1 }, o),
  mapConcurrent: (o) => structio.mapConcurrent([1], never, { ...(o as object), limit: 1 }),
  moveOnAfter: (o) => structio.moveOnAfter(1, o, never),
  moveOnAt: (o) => structio.moveOnAt(1, o, never),
  openCancelScope: (o) => openCancelScope(o, never),
  openProcess: (o) => openProcess(['true'], o),
  relay: (o) => structio.relay(stream(), stream(), o),
  retry: (o) => structio.retry(o, never),
  run: (o) => run(never, o),
  runInProcess: (o) => structio.runInProcess(o, never),
  runInThread: (o) => structio.runInThread(o, never),
  runProcess: (o) => runProcess(['true'], o),
  ticks: (o) => structio.ticks(1, o),
  wrapTls: (o) => wrapTls(stream(), createTlsContext(), { ...(o as object), hostname: 'x' }),

  'VirtualClock.constructor': (o) => new VirtualClock(o),
  'VirtualNetwork.constructor': (o) => new VirtualNetwork(o),
  'VirtualNetwork.host': (o) => new VirtualNetwork().host('x', o),
  'VirtualNetwork.link': (o) => new VirtualNetwork().link('localhost', 'localhost', o),
  checkStream: (o) => checkStream(never, o),

  'NodeSocket.constructor': (o) => new NodeSocket(o),
  serveHttp: (o) => server((opened) => serveHttp(opened, createServer(), o))(),
  toDuplex: (o) => toDuplex(stream(), o),
  toWebStreams: (o) => toWebStreams(stream(), o),

  'createSupervisor: restart': (o) => structio.createSupervisor({ onError: never, restart: o }, never),
  'run: backendOptions of native': (o) => run(never, { backend: 'native', backendOptions: o }),
  'run: backendOptions of node': (o) => run(never, { backend: 'node', backendOptions: o }),
  'run: backendOptions of virtual': (o) => run(never, { backend: 'virtual', backendOptions: o }),
}

/** What takes an object of another library's, or of JavaScript's own. */
const exceptions: Record<string, string> = {
  'NodeSocket.connect': "the options of node:net's connect, most of which are of no consequence here",
  'TLSError.constructor': 'as those of every Error',
  'SocketMembers.setKeepAlive': "those of node:net's sockets, which Node may add to",
}

test('R40: every public function that takes options is in the table, or an exception with its reason', (t) => {
  const found = ['index.d.ts', 'testing.d.ts', 'node.d.ts'].flatMap((file) =>
    takersOfOptions(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')),
  )
  t.true(found.length > 50)
  const known = [...Object.keys(table), ...Object.keys(exceptions)]
  t.deepEqual([...new Set(found)].filter((name) => !known.includes(name)).sort(), [], 'not in the table')
  t.deepEqual(
    known.filter((name) => !found.includes(name) && !name.includes(':')),
    [],
    'in the table, and not in the public API',
  )
})

for (const [name, row] of Object.entries(table)) {
  const each = name === 'run' || name.startsWith('run:') ? outside : eachBackend
  each(test, `R41: ${name} refuses an option that it does not take`, async (t, backend) => {
    await backend.run(async () => {
      for (const value of [1, undefined]) {
        const error = await failure(() => row({ zzzzzzzz: value } as never))
        t.true(error instanceof TypeError, `${value}: ${String(error)}`)
        const { code, message } = error as TypeError & { code?: unknown }
        t.is(code, 'ERR_INVALID_ARG_TYPE')
        t.regex(message, /unknown option "zzzzzzzz"\. (Its (only )?options? (is|are) "|It has no options)/)
      }
    })
  })
}

const wrong: readonly [string, Row, string, string | RegExp][] = [
  ['a name of other libraries', table['createTcpServer']!, 'hostname', 'interface'],
  ['a name of other libraries', table['createTcpServer']!, 'host', 'interface'],
  ['a name of other libraries', table['createUdpSocket']!, 'address', 'interface'],
  ['a name of other libraries', table['connectTcp']!, 'servername', 'tlsHostname'],
  ['a name of other libraries', table['connectTcp']!, 'localAddress', 'bindHost'],
  ['a name of other libraries', table['openCancelScope']!, 'timeout', 'deadline'],
  ['a name of other libraries', table['openCancelScope']!, 'ms', 'deadline'],
  ['the name of another option', table['relay']!, 'timeout', 'idleTimeout'],
  ['a name of other libraries', table['createTlsContext']!, 'rejectUnauthorized', 'verify'],
  ['a name of other libraries', table['gather']!, 'concurrency', 'limit'],
  ['another way to write it', table['connectTcp']!, 'nodelay', 'noDelay'],
  ['another way to write it', table['connectTcp']!, 'happy_eyeballs_delay', 'happyEyeballsDelay'],
  ['a name of other libraries', table['createPool']!, 'maxSize', 'max'],
  ['a name of other libraries', table['createPool']!, 'idleTimeoutMillis', 'idleTimeout'],
  ['a name of other libraries', table['createRateLimiter']!, 'max', 'limit'],
  ['a name of other libraries', table['createRateLimiter']!, 'windowMs', 'interval'],
  ['a name of other libraries', table['createSupervisor: restart']!, 'retries', 'attempts'],
  ['a name of other libraries', table['createSupervisor: restart']!, 'delay', 'backoff'],
  ['a letter too few', table['openCancelScope']!, 'deadlne', 'deadline'],
  ['letters in the wrong order', table['openCancelScope']!, 'sheild', 'shield'],
  ['a plural', table['gather']!, 'limits', 'limit'],
  ['a limit where there is none', table['connectTcp']!, 'timeout', /failAfter/],
  ['a signal where there is none', table['createTcpServer']!, 'signal', /openCancelScope\(\{ signal \}/],
  ['a name that every object has', table['gather']!, 'constructor', /Its only option is "limit"/],
  ['a name that every object has', table['gather']!, '__proto__x', /Its only option is "limit"/],
]

for (const [what, row, key, right] of wrong) {
  eachBackend(test, `R42: the error names what was meant: ${what} (${key})`, async (t, backend) => {
    const error = await backend.run(() => failure(() => row({ [key]: undefined } as never)))
    t.regex(String(error), typeof right === 'string' ? new RegExp(`Did you mean "${right}"\\?`) : right)
  })
}

eachBackend(test, 'R43: maps with keys of the user’s own take any: env, expose', async (t, backend) => {
  await backend.run(async () => {
    const portal = await structio.createBlockingPortal({ expose: { zzzzzzzz: () => 1 } })
    await portal.close()
    t.pass()
  })
})

eachRealBackend(
  test,
  'R43: maps with keys of the user’s own take any: the environment of a process',
  async (t, backend) => {
    const { stdout } = await backend.run(() =>
      runProcess([process.execPath, '-p', 'process.env.zzzzzzzz'], { env: { zzzzzzzz: 'here' } }),
    )
    t.is(stdout.toString(), 'here\n')
  },
)

eachBackend(
  test,
  'R44: options that are inherited are read, and what pollutes every object is no option',
  async (t, backend) => {
    Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true })
    try {
      await backend.run(async () => {
        const defaults = Object.create({ name: 'inherited' }) as structio.CancelScopeOptions
        await openCancelScope(defaults, (scope) => t.regex(inspect(scope), /inherited/))
      })
    } finally {
      delete (Object.prototype as { polluted?: unknown }).polluted
    }
  },
)

eachBackend(test, 'R45: a limit beside the one that is the first argument is refused', async (t, backend) => {
  for (const name of ['moveOnAfter', 'moveOnAt', 'failAfter', 'failAt']) {
    const error = await backend.run(() => failure(() => table[name]!({ deadline: 1 } as never)))
    t.true(error instanceof TypeError, name)
    t.regex(String(error), /first argument/)
  }
})

/** What a call throws or rejects with; a group's first error. */
async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return unwrapped(error)
  }
  return undefined
}

async function overTcp(call: (client: structio.SocketStream) => unknown): Promise<void> {
  await using listening = await createTcpServer(0, { interface: '127.0.0.1' })
  await using client = await connectTcp('127.0.0.1', listening.port)
  await using _accepted = await listening.accept()
  await call(client)
}

/** `run` cannot be called inside a run. */
function outside(on: typeof test, title: string, body: Parameters<typeof eachBackend>[2]): void {
  on.serial(title, (t) => body(t, { run: (main: () => unknown) => main() } as never))
}

/** `name`, `Class.method` and `Class.constructor` of what has a parameter called `options`. */
function takersOfOptions(declarations: string): string[] {
  const source = ts.createSourceFile('index.d.ts', declarations, ts.ScriptTarget.Latest, true)
  const exported = exportedNames(declarations)
  const takes = (node: { parameters: ts.NodeArray<ts.ParameterDeclaration> }): boolean =>
    node.parameters.some((parameter) => parameter.name.getText() === 'options')
  return source.statements.flatMap((statement) => {
    if (ts.isFunctionDeclaration(statement)) {
      const name = statement.name!.text
      return exported.includes(name) && takes(statement) ? [name] : []
    }
    if (!ts.isClassDeclaration(statement)) return []
    const name = statement.name!.text
    return statement.members.flatMap((member) => {
      if (ts.isConstructorDeclaration(member)) return takes(member) ? [`${name}.constructor`] : []
      return ts.isMethodDeclaration(member) && takes(member) ? [`${name}.${member.name.getText()}`] : []
    })
  })
}
