/** node-postgres on our sockets against PostgreSQL: unchanged, given a socket by its `stream` option. */
import { AsyncResource } from 'node:async_hooks'
import test from 'ava'
import pg from 'pg'
import { abandonOnCancel, connectTcp, failAfter, moveOnAfter, run, TimeoutError } from '../../index.ts'
import { NodeSocket, toDuplex } from '../../src/node/index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { certificates } from '../support/certificates.ts'
import { Shared, where } from '../support/programs.ts'
import { PASSWORD, type Server, startPostgres } from '../support/servers.ts'

const shared = new Shared()
test.after.always(() => shared.end())

where('postgres', (postgres) => {
  let started: Promise<Server> | undefined
  const settings = async (): Promise<pg.ClientConfig & { host: string; port: number }> => {
    const { port } = await (started ??= startPostgres(shared, postgres))
    return { host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password: PASSWORD }
  }

  eachRealBackend(test, 'pg: queries over a stream that was connected before', async (t, backend) => {
    const config = await settings()
    await backend.run(async () => {
      const socket = toDuplex(await connectTcp(config.host, config.port))
      const client = new pg.Client({ ...config, stream: () => socket })
      await client.connect()
      const { rows } = await client.query<{ n: number; text: string }>(
        `select n, repeat('x', 1000) as text from generate_series(1, 2000) n where n > $1`,
        [10],
      )
      t.is(rows.length, 1990)
      t.is(rows.at(-1)?.text.length, 1000)
      await client.end()
      t.true(socket.destroyed)
    })
  })

  eachRealBackend(test, 'pg: a pool opens its own connections, and upgrades them to TLS', async (t, backend) => {
    const config = await settings()
    const { ca } = await certificates()
    await backend.run(async () => {
      const pool = new pg.Pool({ ...config, max: 3, ssl: { ca }, stream: () => new NodeSocket() })
      const seen = await Promise.all(
        [1, 2, 3, 4, 5, 6].map(() =>
          pool.query<{ ssl: boolean; n: number }>('select ssl, pid as n from pg_stat_ssl where pid = pg_backend_pid()'),
        ),
      )
      t.true(seen.every(({ rows }) => rows[0]?.ssl === true))
      t.true(new Set(seen.map(({ rows }) => rows[0]?.n)).size <= 3)
      await pool.end()
    })
  })

  eachRealBackend(test, 'pg: a deadline ends a query, and its connection with it', async (t, backend) => {
    const config = await settings()
    await backend.run(async () => {
      let socket: NodeSocket | undefined
      await t.throwsAsync(
        failAfter(200, async (scope) => {
          const client = new pg.Client({ ...config, stream: () => (socket = new NodeSocket({ signal: scope.signal })) })
          client.on('error', () => {})
          await client.connect()
          await client.query('select pg_sleep(600)')
        }),
        { instanceOf: TimeoutError },
      )
      t.true(socket?.destroyed)
      t.true(socket?.closed)
    })
  })

  eachRealBackend(
    test,
    'pg: a cancelled request gives its connection up, and the pool opens another',
    async (t, backend) => {
      const config = await settings()
      await backend.run(async () => {
        // The pool's connections belong to the scope in which the pool was made, not to the request that needed one.
        const stream = AsyncResource.bind(() => new NodeSocket())
        const pool = new pg.Pool({ ...config, max: 1, stream })
        const pid = async (client: pg.PoolClient): Promise<unknown> =>
          (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
        let first: unknown
        const outcome = await moveOnAfter(200, async () => {
          const client = await pool.connect()
          let done = false
          try {
            first = await pid(client)
            await abandonOnCancel(client.query('select pg_sleep(600)'))
            done = true
          } finally {
            // True: it is in the middle of a query, and of no use to anybody.
            client.release(!done)
          }
        })
        t.is(outcome, undefined)
        const client = await pool.connect()
        t.not(await pid(client), first)
        client.release()
        await pool.end()
      })
    },
  )

  eachRealBackend(test, 'pg: a server that goes away fails the query under way', async (t, backend) => {
    const config = await settings()
    await backend.run(async () => {
      const [victim, killer] = [1, 2].map(() => new pg.Client({ ...config, stream: () => new NodeSocket() }))
      victim!.on('error', () => {})
      await victim!.connect()
      await killer!.connect()
      const { rows } = await victim!.query<{ pid: number }>('select pg_backend_pid() as pid')
      const failing = t.throwsAsync(victim!.query('select pg_sleep(600)'), { message: /terminat/ })
      await killer!.query('select pg_terminate_backend($1)', [rows[0]?.pid])
      await failing
      await killer!.end()
    })
  })

  test('pg: outside of every run there is no socket to be had', async (t) => {
    t.throws(() => new pg.Client({ stream: () => new NodeSocket() }), { code: 'ERR_NOT_RUNNING' })
    await run(() => {})
  })
})
