/** mysql2 on our sockets against MariaDB: unchanged, given a socket by its `stream` option. */
import test from 'ava'
import mysql, { type PoolOptions, type RowDataPacket } from 'mysql2/promise'
import { connectTcp, failAfter, TimeoutError } from '../../index.ts'
import { NodeSocket, toDuplex } from '../../src/node/index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { Shared, where } from '../support/programs.ts'
import { PASSWORD, type Server, startMariadb } from '../support/servers.ts'

const shared = new Shared()
test.after.always(() => shared.end())

where('mariadbd', (program) => {
  let started: Promise<Server> | undefined
  const settings = async (): Promise<PoolOptions & { port: number }> => {
    const { port } = await (started ??= startMariadb(shared, program))
    return { port, user: 'tester', password: PASSWORD, database: 'test' }
  }

  eachRealBackend(
    test,
    'mysql2: queries, prepared ones too, over a stream that was connected before',
    async (t, backend) => {
      const config = await settings()
      await backend.run(async () => {
        const socket = toDuplex(await connectTcp('127.0.0.1', config.port))
        const client = await mysql.createConnection({ ...config, stream: socket })
        const [rows] = await client.query<RowDataPacket[]>('select seq, repeat("x", 500) as text from seq_1_to_2000')
        t.is(rows.length, 2000)
        t.is((rows.at(-1)?.text as string).length, 500)
        const [[row]] = await client.execute<RowDataPacket[]>('select ? + ? as sum', [1, 2])
        t.is(Number(row?.sum), 3)
        await client.end()
      })
    },
  )

  eachRealBackend(test, 'mysql2: a pool opens its own connections', async (t, backend) => {
    const config = await settings()
    await backend.run(async () => {
      const pool = mysql.createPool({
        ...config,
        connectionLimit: 3,
        stream: () => new NodeSocket().connect(config.port, '127.0.0.1'),
      })
      const answers = await Promise.all(
        [1, 2, 3, 4, 5, 6].map((n) => pool.query<RowDataPacket[]>('select ? as n, connection_id() as id', [n])),
      )
      t.deepEqual(
        answers.map(([[row]]) => Number(row?.n)),
        [1, 2, 3, 4, 5, 6],
      )
      t.true(new Set(answers.map(([[row]]) => row?.id as number)).size <= 3)
      await pool.end()
    })
  })

  eachRealBackend(test, 'mysql2: a deadline ends a query, and its connection with it', async (t, backend) => {
    const config = await settings()
    await backend.run(async () => {
      let socket: NodeSocket | undefined
      const waiting = failAfter(200, async (scope) => {
        socket = toDuplex(await connectTcp('127.0.0.1', config.port), { signal: scope.signal })
        const client = await mysql.createConnection({ ...config, stream: socket })
        client.on('error', () => {})
        await client.query('select sleep(600)')
      })
      await t.throwsAsync(waiting, { instanceOf: TimeoutError })
      t.true(socket?.closed)
    })
  })
})
