/** Names and addresses: `getAddrInfo`, `getNameInfo`. */
import test from 'ava'
import { execFileSync } from 'node:child_process'
import * as dns from 'node:dns'
import {
  type AddrInfoOptions,
  Cancelled,
  connectTcp,
  createTaskGroup,
  getAddrInfo,
  getNameInfo,
  moveOnAfter,
  NotRunningError,
  run,
  UnsupportedError,
  waitAllTasksBlocked,
} from '../../index.ts'
import { ADDRESS_FLAGS, NAME_FLAGS } from '../../src/names/flags.ts'
import { VirtualNetwork } from '../../src/testing/index.ts'
import { eachBackend, testBackends } from '../support/backends.ts'
import { rejection } from '../support/rejection.ts'

eachBackend(test, 'a name and a number: a record for each type of socket', async (t, backend) => {
  await backend.run(async () => {
    const records = await getAddrInfo('localhost', 8080, { family: 4 })
    t.deepEqual(records, [
      { address: '127.0.0.1', port: 8080, family: 'IPv4', type: 'stream', protocol: 6 },
      { address: '127.0.0.1', port: 8080, family: 'IPv4', type: 'dgram', protocol: 17 },
      { address: '127.0.0.1', port: 8080, family: 'IPv4', type: 'raw', protocol: 0 },
    ])
    t.deepEqual(await getAddrInfo('localhost', '8080', { family: 'IPv4', type: 'dgram' }), [records[1]])
    t.deepEqual(await getAddrInfo('::1', null, { type: 'stream' }), [
      { address: '::1', port: 0, family: 'IPv6', type: 'stream', protocol: 6 },
    ])
    // What came of it is the caller's own.
    records[0]!.port = 1
    t.is((await getAddrInfo('localhost', 8080, { family: 4 }))[0]!.port, 8080)
  })
})

eachBackend(test, 'services by name, for the types of socket that they have', async (t, backend) => {
  await backend.run(async () => {
    t.like((await getAddrInfo('127.0.0.1', 'http', { type: 'stream' }))[0], { port: 80, protocol: 6 })
    const both = await getAddrInfo('127.0.0.1', 'domain')
    t.true(both.length >= 2)
    t.true(both.every(({ port }) => port === 53))
    const error = await rejection(getAddrInfo('127.0.0.1', 'no-such-service'))
    t.like(error, { code: 'EAI_SERVICE', errno: -3010, syscall: 'getaddrinfo', hostname: '127.0.0.1' })
  })
})

eachBackend(test, 'no host: where to listen, or this machine', async (t, backend) => {
  await backend.run(async () => {
    const listening = await getAddrInfo(null, 80, { type: 'stream', flags: 'AI_PASSIVE' })
    t.deepEqual(listening.map(({ address }) => address).sort(), ['0.0.0.0', '::'])
    const here = await getAddrInfo(null, 80, { type: 'stream' })
    t.deepEqual(here.map(({ address }) => address).sort(), ['127.0.0.1', '::1'])
    t.deepEqual((await getAddrInfo(null, 80, { type: 'stream', family: 6 }))[0]!.address, '::1')
    t.like(await rejection(getAddrInfo(null, null)), { code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND' })
  })
})

eachBackend(test, 'flags: by name, by several names, and by the system’s numbers', async (t, backend) => {
  await backend.run(async () => {
    const { AI_NUMERICHOST, AI_NUMERICSERV } = ADDRESS_FLAGS
    for (const flags of ['AI_NUMERICHOST', ['AI_NUMERICHOST'], AI_NUMERICHOST] as const) {
      t.like(await rejection(getAddrInfo('localhost', 1, { flags })), { code: 'ENOTFOUND', hostname: 'localhost' })
      t.is((await getAddrInfo('127.0.0.1', 1, { flags, type: 'stream' })).length, 1)
    }
    const flags = AI_NUMERICHOST | AI_NUMERICSERV
    t.like(await rejection(getAddrInfo('127.0.0.1', 'http', { flags })), { code: 'ENOTFOUND' })
    t.is((await getAddrInfo('127.0.0.1', '1', { flags: 0, type: 'stream' })).length, 1)
    const mapped = await getAddrInfo('127.0.0.1', 1, { family: 6, flags: 'AI_V4MAPPED', type: 'stream' })
    t.like(mapped, { 0: { address: '::ffff:127.0.0.1', family: 'IPv6' } })
    t.like(await rejection(getAddrInfo('127.0.0.1', 1, { family: 6 })), { code: 'EAI_ADDRFAMILY', errno: -3000 })
  })
})

eachBackend(test, 'the official name, where the backend has it', async (t, backend) => {
  await backend.run(async () => {
    const asked = getAddrInfo('localhost', 1, { flags: 'AI_CANONNAME' })
    if (backend.options.backend === 'node') {
      t.regex(((await rejection(asked)) as Error).message, /native backend/)
      return
    }
    const [first, ...others] = await asked
    t.is(typeof first!.canonicalName, 'string')
    t.true(others.every((record) => !('canonicalName' in record)))
  })
})

eachBackend(test, 'a name that nobody has: Node’s error', async (t, backend) => {
  await backend.run(async () => {
    const error = (await rejection(getAddrInfo('no-such-host.invalid', 80))) as Error & { code: string }
    t.true(error instanceof Error)
    t.true(['ENOTFOUND', 'EAI_AGAIN'].includes(error.code))
    t.is(error.message, `getaddrinfo ${error.code} no-such-host.invalid`)
    t.like(error, { syscall: 'getaddrinfo', hostname: 'no-such-host.invalid' })
  })
})

eachBackend(test, 'an address by its names, and by numbers', async (t, backend) => {
  await backend.run(async () => {
    t.deepEqual(await getNameInfo({ address: '127.0.0.1', port: 80 }), { host: 'localhost', service: 'http' })
    // One of those that documentation is written with (RFC 5737): it has no name.
    const unknown = { address: '192.0.2.1', port: 49_152 }
    t.deepEqual(await getNameInfo(unknown), { host: '192.0.2.1', service: '49152' })
    const required = await rejection(getNameInfo(unknown, { flags: 'NI_NAMEREQD' }))
    t.like(required, { code: 'ENOTFOUND', errno: -3008, syscall: 'getnameinfo', hostname: '192.0.2.1' })
    const numbers = NAME_FLAGS.NI_NUMERICHOST | NAME_FLAGS.NI_NUMERICSERV
    for (const flags of [numbers, ['NI_NUMERICHOST', 'NI_NUMERICSERV']] as const) {
      t.deepEqual(await getNameInfo({ address: '::1', port: 80 }, { flags }), { host: '::1', service: '80' })
    }
    t.is((await getNameInfo({ address: '127.0.0.1', port: 123 }, { flags: 'NI_DGRAM' })).service, 'ntp')
    const short = getNameInfo({ address: '127.0.0.1', port: 80 }, { flags: 'NI_NOFQDN' })
    if (backend.options.backend === 'node') t.true((await rejection(short)) instanceof UnsupportedError)
    else t.is((await short).host, 'localhost')
  })
})

eachBackend(test, 'names: bad arguments are refused before anything starts', async (t, backend) => {
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
  await backend.run(async () => {
    for (const host of [1, undefined, {}]) t.like(await rejection(getAddrInfo(host as never, 1)), type)
    for (const port of [undefined, {}, true]) t.like(await rejection(getAddrInfo('a', port as never)), type)
    t.like(await rejection(getAddrInfo('', 1)), range)
    for (const port of [-1, 65_536, 1.5, NaN, '', '65536']) t.like(await rejection(getAddrInfo('a', port)), range)
    const bad: [object, object][] = [
      [{ family: 5 }, range],
      [{ family: 'ipv4' }, range],
      [{ family: null }, type],
      [{ type: 'seqpacket' }, range],
      [{ type: 1 }, type],
      [{ flags: 'AI_NO_SUCH' }, range],
      [{ flags: 'toString' }, range],
      [{ flags: 2 ** 20 }, range],
      [{ flags: -1 }, range],
      [{ flags: 0.5 }, range],
      [{ flags: [4] }, type],
      [{ flags: null }, type],
    ]
    for (const [options, error] of bad) {
      t.like(await rejection(getAddrInfo('localhost', 1, options as AddrInfoOptions)), error, JSON.stringify(options))
    }
    t.like(await rejection(getAddrInfo('localhost', 1, 4 as never)), type)
    t.is((await getAddrInfo('::1', 1, { family: undefined, type: undefined, flags: undefined })).length, 3)
    for (const address of [undefined, '127.0.0.1', { port: 1 }, { address: '127.0.0.1' }, { address: 1, port: 1 }]) {
      t.like(await rejection(getNameInfo(address as never)), type)
    }
    t.like(await rejection(getNameInfo({ address: 'localhost', port: 1 })), range)
    t.like(await rejection(getNameInfo({ address: '127.0.0.1', port: 65_536 })), range)
    t.like(await rejection(getNameInfo({ address: '127.0.0.1', port: 1 }, { flags: 'AI_PASSIVE' as never })), range)
  })
  t.true((await rejection(getAddrInfo('localhost', 1))) instanceof NotRunningError)
  t.true((await rejection(getNameInfo({ address: '127.0.0.1', port: 1 }))) instanceof NotRunningError)
})

eachBackend(
  test,
  'a look-up is abandoned by itself: the others that share it have their answer',
  async (t, backend) => {
    await backend.run(() =>
      createTaskGroup(async (tg) => {
        const ask = (): Promise<unknown> => getAddrInfo('localhost', 4242, { type: 'stream', family: 4 })
        const first = tg.spawn(ask)
        const second = tg.spawn(ask)
        const third = tg.spawn(ask)
        // Before any answer can have come: their bodies run in this turn.
        tg.spawn(() => {
          first.cancel()
          third.cancel()
        })
        t.like(await second.value(), { length: 1, 0: { port: 4242 } })
        await Promise.all([first.wait(), third.wait()])
        t.is(first.status, 'cancelled')
        t.is(third.status, 'cancelled')
        await moveOnAfter(-1, async () => t.true((await rejection(ask())) instanceof Cancelled))
      }),
    )
  },
)

test('the real backends agree, with one another and with Python', async (t) => {
  const questions: [string | null, string | number | null, AddrInfoOptions][] = [
    ['localhost', 'http', {}],
    ['localhost', 53, { type: 'dgram' }],
    [null, 'domain', { flags: 'AI_PASSIVE' }],
    [null, 80, {}],
    ['127.0.0.1', null, { family: 4 }],
    ['::1', 'https', { type: 'stream', flags: ['AI_NUMERICHOST', 'AI_ADDRCONFIG'] }],
    ['127.0.0.1', 1, { family: 6 }],
    ['localhost', 'no-such-service', {}],
  ]
  const asPython = questions.map(([host, port, { family = 0, type, flags }]) => [
    host,
    port === null ? null : String(port),
    `AF_${family === 4 ? 'INET' : family === 6 ? 'INET6' : 'UNSPEC'}`,
    type === undefined ? '' : `SOCK_${type.toUpperCase()}`,
    flags === undefined ? [] : [flags].flat(),
  ])
  const program = `
import json, socket, sys
out = []
for host, port, family, kind, flags in json.loads(sys.argv[1]):
    bits = 0
    for flag in flags: bits |= getattr(socket, flag)
    try:
        found = socket.getaddrinfo(host, port, getattr(socket, family), getattr(socket, kind) if kind else 0, 0, bits)
        out.append([[a[4][0], a[4][1], a[1].name[5:].lower(), a[2]] for a in found])
    except socket.gaierror as error:
        out.append("error")
print(json.dumps(out))
`
  const python = JSON.parse(execFileSync('python3', ['-c', program, JSON.stringify(asPython)]).toString()) as unknown[]
  for (const { label, simulated, run: start } of testBackends) {
    if (simulated) continue
    const answers: unknown[] = []
    await start(async () => {
      for (const question of questions) {
        try {
          const found = await getAddrInfo(...question)
          answers.push(found.map(({ address, port, type, protocol }) => [address, port, type, protocol]))
        } catch {
          answers.push('error')
        }
      }
    })
    t.deepEqual(answers, python, label)
  }
})

test('the numbers of the flags are those of the system', (t) => {
  const names = [...Object.keys(ADDRESS_FLAGS), ...Object.keys(NAME_FLAGS)]
  const program = 'import json, socket, sys; print(json.dumps({n: int(getattr(socket, n)) for n in sys.argv[1:]}))'
  const numbers = JSON.parse(execFileSync('python3', ['-c', program, ...names]).toString()) as object
  t.deepEqual({ ...ADDRESS_FLAGS, ...NAME_FLAGS }, numbers)
  t.like(ADDRESS_FLAGS, { AI_ADDRCONFIG: dns.ADDRCONFIG, AI_V4MAPPED: dns.V4MAPPED, AI_ALL: dns.ALL })
})

test('the names of a simulated network, and nobody else’s', async (t) => {
  const network = new VirtualNetwork()
  const server = network.host('server', { addresses: ['10.0.0.7', 'fd00::7'] })
  network.alias('www.example', ['10.0.0.7'])
  await run(
    async () => {
      const found = await getAddrInfo('server', 'https', { type: 'stream', flags: 'AI_CANONNAME' })
      t.deepEqual(found, [
        { address: '10.0.0.7', port: 443, family: 'IPv4', type: 'stream', protocol: 6, canonicalName: 'server' },
        { address: 'fd00::7', port: 443, family: 'IPv6', type: 'stream', protocol: 6 },
      ])
      const official = await getAddrInfo('www.example', 1, { type: 'stream', flags: 'AI_CANONNAME' })
      t.like(official, { 0: { canonicalName: 'server' } })
      const mapped = await getAddrInfo('www.example', 1, { type: 'stream', family: 6, flags: 'AI_V4MAPPED' })
      t.like(mapped, { length: 1, 0: { address: '::ffff:10.0.0.7' } })
      const all = await getAddrInfo('server', 1, { type: 'stream', family: 6, flags: ['AI_V4MAPPED', 'AI_ALL'] })
      t.deepEqual(
        all.map(({ address }) => address),
        ['fd00::7', '::ffff:10.0.0.7'],
      )
      t.like(await rejection(getAddrInfo('elsewhere', 1)), { code: 'ENOTFOUND', hostname: 'elsewhere' })
      t.deepEqual(await getNameInfo({ address: '10.0.0.7', port: 443 }), { host: 'server', service: 'https' })
      await server.run(async () => {
        t.is((await getNameInfo({ address: '127.0.0.1', port: 1 })).host, 'localhost')
        await waitAllTasksBlocked()
      })
      t.like(await rejection(connectTcp('elsewhere', 1)), { code: 'ENOTFOUND' })
    },
    { backend: 'virtual', backendOptions: { network } },
  )
})
