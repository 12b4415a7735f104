/** DNS over UDP: dnsmasq answers our socket, and dig asks the name server of `examples/`. */
import { randomInt } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { createTaskGroup, createUdpSocket, failAfter, type UDPSocket } from '../../index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { freeUdpPort } from '../support/datagrams.ts'
import { start } from '../support/program.ts'
import { Running, where } from '../support/programs.ts'

const A = 1
const TXT = 16
const AAAA = 28
const NXDOMAIN = 3
const LONG = 'x'.repeat(200)

where('dnsmasq', (dnsmasq) => {
  eachRealBackend(test, 'dnsmasq answers: addresses, text, and names that there are not', async (t, backend) => {
    const port = await startDnsmasq(t, dnsmasq)
    await backend.run(() =>
      failAfter(20_000, async () => {
        await using socket = await createUdpSocket({ targetHost: '127.0.0.1', targetPort: port })
        t.deepEqual(await ask(socket, 'one.example', A), { code: 0, truncated: false, data: [[10, 1, 2, 3]] })
        const [six] = (await ask(socket, 'one.example', AAAA)).data
        t.is(Buffer.from(six!).toString('hex'), 'fd000000000000000000000000000003')
        t.like(await ask(socket, 'nobody.example', A), { code: NXDOMAIN, data: [] })
        // Four texts of 200 bytes do not fit what a client takes that says nothing, and fit what one takes that says so.
        t.like(await ask(socket, 'long.example', TXT), { truncated: true })
        const long = await ask(socket, 'long.example', TXT, 4096)
        t.is(long.data.length, 4)
        t.true(long.data.every((text) => Buffer.from(text).toString('latin1', 1) === LONG))
      }),
    )
  })

  eachRealBackend(
    test,
    'a hundred questions at once, in one step, and every answer finds its own',
    async (t, backend) => {
      const port = await startDnsmasq(t, dnsmasq)
      await backend.run(() =>
        failAfter(20_000, async () => {
          await using socket = await createUdpSocket({ interface: '127.0.0.1' })
          const to = { address: '127.0.0.1', port, family: 'IPv4' } as const
          const open = new Map<number, number>()
          const send = (numbers: Iterable<number>): Promise<void> =>
            socket.sendBatch(
              [...numbers].map((number) => [query(number, `n${open.get(number)}.example`, A), to] as const),
            )
          for (let number = 0; number < 100; number++) open.set(1000 + number, number)
          await createTaskGroup(async (tg) => {
            await send(open.keys())
            while (open.size > 0) {
              for (const [message] of await socket.receiveBatch()) {
                const { id, data } = parse(message)
                const number = open.get(id)
                if (number === undefined) continue
                t.deepEqual(data, [[10, 0, 0, number]])
                open.delete(id)
              }
            }
            tg.cancelScope.cancel()
          })
        }),
      )
    },
  )
})

where('dig', (dig) => {
  test('dig asks our name server', async (t) => {
    const server = start(t, 'examples/dns-server.ts', ['0', 'one.test=10.0.0.1', 'Two.Test=10.0.0.2'])
    const [, port] = await server.line(/^listening on port (\d+)$/)
    const ask = (...question: string[]): Promise<string> =>
      new Running(t, dig, ['@127.0.0.1', '-p', port!, '+tries=3', '+time=5', ...question]).done()
    t.is(await ask('+short', 'one.test'), '10.0.0.1\n')
    t.is(await ask('+short', 'TWO.test', 'A', 'one.test', 'A'), '10.0.0.2\n10.0.0.1\n')
    const full = await ask('one.test')
    t.regex(full, /status: NOERROR/)
    t.regex(full, /flags: qr aa rd;/)
    t.regex(full, /^one\.test\.\s+60\s+IN\s+A\s+10\.0\.0\.1$/m)
    t.regex(await ask('nobody.test'), /status: NXDOMAIN/)
    t.regex(await ask('one.test', 'AAAA'), /status: NOERROR[^]*ANSWER: 0/)
    const many = await Promise.all(Array.from({ length: 20 }, () => ask('+short', 'one.test')))
    t.deepEqual(new Set(many), new Set(['10.0.0.1\n']))
    server.signal('SIGINT')
    t.like(await server.ended, { code: 0, stderr: '' })
  })
})

/** On a port that is free; it takes it for TCP, too, and somebody may have come first. */
async function startDnsmasq(t: ExecutionContext, dnsmasq: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await freeUdpPort(t)
    const program = runDnsmasq(t, dnsmasq, port)
    try {
      await program.printed(/started, version/)
      return port
    } catch (error) {
      if (attempt === 5 || !/in use/.test(program.output)) throw error
    }
  }
}

function runDnsmasq(t: ExecutionContext, dnsmasq: string, port: number): Running {
  const hosts = Array.from({ length: 100 }, (_, number) => `--host-record=n${number}.example,10.0.0.${number}`)
  return new Running(t, dnsmasq, [
    '--no-daemon',
    '--conf-file=/dev/null',
    '--pid-file=',
    `--user=${process.env['USER'] ?? 'root'}`,
    `--port=${port}`,
    '--listen-address=127.0.0.1',
    '--bind-interfaces',
    '--no-resolv',
    '--no-hosts',
    '--local=/example/',
    '--edns-packet-max=4096',
    '--host-record=one.example,10.1.2.3,fd00::3',
    ...Array.from({ length: 4 }, () => `--txt-record=long.example,${LONG}`),
    ...hosts,
  ])
}

interface Reply {
  readonly id: number
  readonly code: number
  readonly truncated: boolean
  /** The data of each record. */
  readonly data: number[][]
}

/** Asks until there is an answer: a datagram may be lost. */
async function ask(socket: UDPSocket, name: string, type: number, space?: number): Promise<Omit<Reply, 'id'>> {
  const id = randomInt(65_536)
  await socket.send(query(id, name, type, space))
  for (;;) {
    const { id: answered, ...reply } = parse((await socket.receive(4096))[0])
    if (answered === id) return reply
  }
}

/** @param space - how large an answer may be, where that is said (EDNS) */
function query(id: number, name: string, type: number, space?: number): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)])
  const word = (value: number): number[] => [value >> 8, value & 255]
  const option = space === undefined ? [] : [0, 0, 41, ...word(space), 0, 0, 0, 0, 0, 0]
  const counts = [0, 1, 0, 0, 0, 0, 0, space === undefined ? 0 : 1]
  return Buffer.from([...word(id), 1, 0, ...counts, ...labels, 0, ...word(type), 0, 1, ...option])
}

function parse(message: Buffer): Reply {
  const data: number[][] = []
  let at = skipName(message, 12) + 4
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    at = skipName(message, at) + 10
    const length = message.readUInt16BE(at - 2)
    data.push([...message.subarray(at, (at += length))])
  }
  return { id: message.readUInt16BE(0), code: message[3]! & 15, truncated: (message[2]! & 2) !== 0, data }
}

function skipName(message: Buffer, at: number): number {
  while (message[at] !== 0) {
    if (message[at]! >= 0xc0) return at + 2
    at += message[at]! + 1
  }
  return at + 1
}
