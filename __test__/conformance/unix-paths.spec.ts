/** Where a UNIX server listens: its file, its permissions, and what lay there before. */
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import * as net from 'node:net'
import { dirname } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { connectUnix, createUnixDatagramSocket, createUnixServer, UnsupportedError } from '../../index.ts'
import type { TestBackend } from '../support/backends.ts'
import { eachBackendWith, eachBackendWithout, socketFolder } from '../support/datagrams.ts'
import { rejection } from '../support/rejection.ts'

/** A socket file that nobody listens at: the other name of one that was closed. */
async function leaveStale(path: string): Promise<void> {
  const server = net.createServer().listen(`${path}.live`)
  await once(server, 'listening')
  linkSync(`${path}.live`, path)
  server.close()
  await once(server, 'close')
}

const permissions = (path: string): number => statSync(path).mode & 0o777

/** A server at `path` can be talked to. */
async function works(t: ExecutionContext, backend: TestBackend, path: string): Promise<void> {
  await backend.run(async () => {
    await using server = await createUnixServer(path)
    await using client = await connectUnix(path)
    await using accepted = await server.accept()
    await client.sendAll('hello')
    t.is((await accepted.receiveExactly(5)).toString(), 'hello')
  })
}

eachBackendWith(
  'unixPeers',
  test,
  'the file is made, with the permissions that were asked for, and removed',
  async (t, backend) => {
    const place = socketFolder(t)
    await backend.run(async () => {
      const umask = process.umask()
      for (const mode of [0o600, 0o660, 0o777, 0]) {
        const path = place(mode.toString(8))
        const server = await createUnixServer(path, { mode })
        t.is(permissions(path), mode)
        await server.close()
        t.false(existsSync(path))
      }
      t.is(process.umask(), umask, 'the umask is as it was')
      const server = await createUnixServer(place('default'))
      t.is(permissions(place('default')), 0o777 & ~umask)
      await server.close()
      t.false(existsSync(place('default')))
    })
  },
)

eachBackendWith('unixPeers', test, 'a socket file that nobody listens at is replaced', async (t, backend) => {
  const path = socketFolder(t)('stale')
  await leaveStale(path)
  await backend.run(async () => {
    t.like(await rejection(connectUnix(path)), { code: 'ECONNREFUSED', syscall: 'connect', address: path })
  })
  await works(t, backend, path)
  t.false(existsSync(path))
})

eachBackendWith('unix', test, 'one that answers is EADDRINUSE, and goes on', async (t, backend) => {
  const path = socketFolder(t)('live')
  await backend.run(async () => {
    await using server = await createUnixServer(path)
    const error = await rejection(createUnixServer(path))
    t.like(error, { code: 'EADDRINUSE', syscall: 'listen', address: path, errno: -98 })
    t.false('port' in (error as object))
    // Whoever was asked whether it lives may have been accepted; it is gone by now.
    await using client = await connectUnix(path)
    await client.sendAll('x')
    for (;;) {
      await using stream = await server.accept()
      if ((await stream.receiveSome()).length === 0) continue
      break
    }
    t.pass()
  })
})

eachBackendWith('unixPeers', test, 'what is no socket is EADDRINUSE, and untouched', async (t, backend) => {
  const place = socketFolder(t)
  writeFileSync(place('file'), 'precious')
  mkdirSync(place('folder'))
  symlinkSync(place('nowhere'), place('link'))
  await backend.run(async () => {
    for (const name of ['file', 'folder', 'link'])
      t.like(await rejection(createUnixServer(place(name), { mode: 0o600 })), { code: 'EADDRINUSE' })
  })
  t.is(readFileSync(place('file'), 'utf8'), 'precious')
  t.not(permissions(place('file')), 0o600)
  t.true(lstatSync(place('folder')).isDirectory())
  t.true(lstatSync(place('link')).isSymbolicLink())
})

eachBackendWith('unixPeers', test, 'a file that is not the server’s own any more is left alone', async (t, backend) => {
  const path = socketFolder(t)('replaced')
  await backend.run(async () => {
    const first = await createUnixServer(path)
    rmSync(path)
    await using second = await createUnixServer(path)
    await first.close()
    t.true(lstatSync(path).isSocket())
    await using client = await connectUnix(path)
    await using accepted = await second.accept()
    t.is(accepted.localAddress, path)
    t.is(client.remoteAddress, path)
    // Gone already: that is no error.
    rmSync(path)
  })
  t.false(existsSync(path))

  // A relative path is where it was, also when the process has changed its folder to one that has its like.
  const before = process.cwd()
  const place = socketFolder(t)
  mkdirSync(place('other'))
  t.teardown(() => process.chdir(before))
  await backend.run(async () => {
    process.chdir(place(''))
    const server = await createUnixServer('relative')
    t.is(server.address, 'relative')
    process.chdir(place('other'))
    await using namesake = await createUnixServer('relative')
    await server.close()
    t.false(existsSync(place('relative')))
    t.is(namesake.address, 'relative')
    t.true(lstatSync(place('other/relative')).isSocket())
  })
  process.chdir(before)
})

eachBackendWith('unix', test, 'nobody there: the bare system error, in Node’s shape', async (t, backend) => {
  const place = socketFolder(t)
  await backend.run(async () => {
    const missing = place('missing')
    const error = await rejection(connectUnix(missing))
    t.like(error, { code: 'ENOENT', syscall: 'connect', address: missing, errno: -2 })
    t.is((error as Error).message, `connect ENOENT ${missing}`)
    t.false('port' in (error as object))
  })
})

eachBackendWith(
  'unixPeers',
  test,
  'a folder that is missing is ENOENT, one that may not be written to EACCES',
  async (t, backend) => {
    const place = socketFolder(t)
    await backend.run(async () => {
      t.like(await rejection(createUnixServer(place('missing/server'))), { code: 'ENOENT', syscall: 'listen' })
      if (process.getuid?.() === 0) return
      mkdirSync(place('locked'))
      chmodSync(place('locked'), 0o500)
      t.like(await rejection(createUnixServer(place('locked/server'))), { code: 'EACCES', syscall: 'listen' })
    })
  },
)

eachBackendWith('unix', test, 'bad arguments are refused before anything starts', async (t, backend) => {
  const path = socketFolder(t)('server')
  await backend.run(async () => {
    for (const bad of [undefined, 1, null, new Uint8Array(3)]) {
      await t.throwsAsync(connectUnix(bad as never), { code: 'ERR_INVALID_ARG_TYPE' })
      await t.throwsAsync(createUnixServer(bad as never), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const bad of ['', Buffer.alloc(0), 'a\0b', `/tmp/${'x'.repeat(103)}`, 'ü'.repeat(54)]) {
      await t.throwsAsync(connectUnix(bad), { code: 'ERR_OUT_OF_RANGE' })
      await t.throwsAsync(createUnixServer(bad), { code: 'ERR_OUT_OF_RANGE' })
      await t.throwsAsync(createUnixDatagramSocket({ path: bad }), { code: 'ERR_OUT_OF_RANGE' })
      await t.throwsAsync(createUnixDatagramSocket({ remotePath: bad }), { code: 'ERR_OUT_OF_RANGE' })
    }
    for (const mode of [-1, 0o1000, 1.5])
      await t.throwsAsync(createUnixServer(path, { mode }), { code: 'ERR_OUT_OF_RANGE' })
    await t.throwsAsync(createUnixServer(path, { mode: '600' as never }), { code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(createUnixServer(path, null as never), { code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(createUnixServer(path, { backlog: 0 }), { code: 'ERR_OUT_OF_RANGE' })
    await t.throwsAsync(createUnixServer(path, { closeTimeout: NaN }), { code: 'ERR_OUT_OF_RANGE' })
    await t.throwsAsync(createUnixDatagramSocket(null as never), { code: 'ERR_INVALID_ARG_TYPE' })
  })
  t.false(existsSync(path))
})

eachBackendWith('unixPeers', test, 'the longest path there is, and one that is a Buffer', async (t, backend) => {
  const place = socketFolder(t)
  const longest = process.platform === 'linux' ? 107 : 103
  const path = place('x'.repeat(longest - Buffer.byteLength(dirname(place('x'))) - 1))
  t.is(Buffer.byteLength(path), longest)
  await works(t, backend, path)
  await backend.run(async () => {
    await using server = await createUnixServer(Buffer.from(place('ümlaut')))
    t.is(server.address, place('ümlaut'))
    await using client = await connectUnix(Buffer.from(place('ümlaut')))
    t.is(client.remoteAddress, place('ümlaut'))
  })
})

eachBackendWith('anyPath', test, 'a path that is no UTF-8', async (t, backend) => {
  const place = socketFolder(t)
  const path = Buffer.concat([Buffer.from(place('')), Buffer.from([0xff, 0xfe, 0x2e])])
  await backend.run(async () => {
    await using server = await createUnixServer(path)
    t.is(server.address, path.toString())
    if (!backend.simulated) t.true(statSync(path).isSocket())
    await using client = await connectUnix(path)
    await using accepted = await server.accept()
    await client.sendAll('hello')
    t.is((await accepted.receiveExactly(5)).toString(), 'hello')
    t.is(accepted.localAddress, path.toString())
    await using datagrams = await createUnixDatagramSocket({ path: Buffer.concat([path, Buffer.from('2')]) })
    await using sender = await createUnixDatagramSocket({ path: Buffer.concat([path, Buffer.from('3')]) })
    await sender.send('x', Buffer.concat([path, Buffer.from('2')]))
    const [, from] = await datagrams.receive(1)
    // Its bytes, for text would have lost some.
    t.deepEqual(from, Buffer.concat([path, Buffer.from('3')]))
    await datagrams.send('answer', from)
    t.is((await sender.receive(10))[0].toString(), 'answer')
    await server.close()
    if (!backend.simulated) t.false(existsSync(path))
  })
})

eachBackendWith('anyPath', test, 'abstract names: no file, and free when the server has ended', async (t, backend) => {
  const name = `\0structio-${process.pid}-${backend.label}`
  await backend.run(async () => {
    {
      await using server = await createUnixServer(name)
      t.is(server.address, name)
      t.like(await rejection(createUnixServer(name)), { code: 'EADDRINUSE', syscall: 'listen' })
      await using client = await connectUnix(name)
      await using accepted = await server.accept()
      t.is(client.remoteAddress, name)
      await accepted.sendAll('hello')
      t.is((await client.receiveExactly(5)).toString(), 'hello')
      // The same text as a path, and a longer name, are others'.
      t.like(await rejection(connectUnix(`${name}x`)), { code: 'ECONNREFUSED' })
    }
    t.like(await rejection(connectUnix(name)), { code: 'ECONNREFUSED', syscall: 'connect' })
    await using datagrams = await createUnixDatagramSocket({ path: name })
    await using sender = await createUnixDatagramSocket({ path: `${name}-sender`, remotePath: name })
    await sender.send('x')
    t.is((await datagrams.receive(1))[1], `${name}-sender`)
  })
})

eachBackendWithout(
  'unixPeers',
  'anyPath',
  test,
  'no UTF-8, or no path at all: UnsupportedError that names the way out',
  async (t, backend) => {
    const place = socketFolder(t)
    await backend.run(async () => {
      for (const path of [Buffer.concat([Buffer.from(place('')), Buffer.from([0xff])]), '\0abstract']) {
        await t.throwsAsync(connectUnix(path), { instanceOf: UnsupportedError, message: /native/ })
        await t.throwsAsync(createUnixServer(path), { instanceOf: UnsupportedError, message: /native/ })
      }
    })
  },
)

eachBackendWithout(
  'unixPeers',
  'unixDatagrams',
  test,
  'datagrams at paths: UnsupportedError that names the way out',
  async (t, backend) => {
    await backend.run(async () => {
      await t.throwsAsync(createUnixDatagramSocket(), { instanceOf: UnsupportedError, message: /native/ })
    })
  },
)
