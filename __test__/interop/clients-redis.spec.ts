/** ioredis on our sockets against Redis: unchanged, given connections by a `Connector`. */
import test from 'ava'
import { Redis, type RedisOptions } from 'ioredis'
import { once } from 'node:events'
import { addAbortSignal } from 'node:stream'
import { connectTcp, moveOnAfter } from '../../index.ts'
import { type NodeSocket, toDuplex } from '../../src/node/index.ts'
import { eachRealBackend } from '../support/backends.ts'
import { Shared, where } from '../support/programs.ts'
import { type Server, startRedis } from '../support/servers.ts'

const shared = new Shared()
test.after.always(() => shared.end())

where('redis-server', (program) => {
  let started: Promise<Server> | undefined
  const server = (): Promise<Server> => (started ??= startRedis(shared, program))

  /** Connected when asked to, by our means. */
  const client = (port: number, made: NodeSocket[] = []): Redis => {
    class Connector {
      async connect(): Promise<NodeSocket> {
        const socket = toDuplex(await connectTcp('127.0.0.1', port))
        made.push(socket)
        return socket
      }
      disconnect(): void {
        made.at(-1)?.end()
      }
      check(): boolean {
        return true
      }
    }
    return new Redis({
      // The types ask for a subclass of its own connector; all that it uses is here.
      Connector: Connector as unknown as NonNullable<RedisOptions['Connector']>,
      lazyConnect: true,
      retryStrategy: () => 1,
    })
  }

  eachRealBackend(test, 'ioredis: commands, a pipeline, and a value of some megabytes', async (t, backend) => {
    const { port } = await server()
    await backend.run(async () => {
      const redis = client(port)
      await redis.connect()
      await redis.flushall()
      const pipeline = redis.pipeline()
      for (let i = 0; i < 2000; i++) pipeline.incr('count')
      const answers = await pipeline.exec()
      t.is(answers?.at(-1)?.[1], 2000)
      const value = Buffer.alloc(5_000_000, 'some bytes ')
      await redis.set('large', value)
      t.true((await redis.getBuffer('large'))?.equals(value))
      await quit(redis)
    })
  })

  eachRealBackend(test, 'ioredis: subscriptions arrive, and a subscriber can be given up', async (t, backend) => {
    const { port } = await server()
    await backend.run(async () => {
      const [publisher, subscriber] = [client(port), client(port)]
      await Promise.all([publisher.connect(), subscriber.connect()])
      await subscriber.subscribe('news')
      const heard = new Promise<string>((resolve) => subscriber.on('message', (_, text) => resolve(text)))
      await publisher.publish('news', 'something happened')
      t.is(await heard, 'something happened')
      const gone = once(subscriber, 'end')
      subscriber.disconnect()
      await Promise.all([quit(publisher), gone])
    })
  })

  eachRealBackend(test, 'ioredis: a connection that the server cuts is replaced', async (t, backend) => {
    const { port } = await server()
    await backend.run(async () => {
      const made: NodeSocket[] = []
      const [redis, killer] = [client(port, made), client(port)]
      await Promise.all([redis.connect(), killer.connect()])
      await redis.set('a', 1)
      await killer.client('KILL', 'ID', await redis.client('ID'))
      t.is(await redis.get('a'), '1')
      t.is(made.length, 2)
      t.true(made[0]?.closed)
      await Promise.all([quit(redis), quit(killer)])
    })
  })

  eachRealBackend(test, 'ioredis: the signal of a cancelled scope ends what waits in it', async (t, backend) => {
    const { port } = await server()
    await backend.run(async () => {
      const made: NodeSocket[] = []
      let failure: unknown
      await moveOnAfter(100, async (scope) => {
        const redis = client(port, made)
        redis.on('error', () => {})
        await redis.connect()
        addAbortSignal(scope.signal, made[0]!)
        redis.options.retryStrategy = () => null
        await redis.blpop('nothing comes here', 0).catch((error: unknown) => (failure = error))
      })
      t.true(failure instanceof Error)
      t.true(made[0]?.closed)
    })
  })
})

/** Its promise is settled by the answer; the server ends the connection after that. */
async function quit(redis: Redis): Promise<void> {
  const ended = once(redis, 'end')
  await redis.quit()
  await ended
}
