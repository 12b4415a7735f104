/**
 * A ledger that books each order once, and a client that tries again until it knows that its order was booked. Neither has code
 * for tests: examples/partition-test.ts runs them in a simulated world and cuts the network between them.
 */
import {
  BrokenResourceError,
  connectTcp,
  createLock,
  failAfter,
  finalize,
  IncompleteRead,
  type SocketStream,
  sleep,
  TimeoutError,
} from 'structio'

/** Requests the booking, over a new connection each time, until there is an answer. Orders have ids, so a repeat is safe. */
export async function book(host: string, port: number, id: string, amount: number): Promise<number> {
  for (let attempt = 1, pause = 50; ; attempt++, pause = Math.min(2 * pause, 1000)) {
    try {
      await failAfter(500, () => ask(host, port, id, amount))
      return attempt
    } catch (error) {
      if (!mayPass(error)) throw error
    }
    await sleep(pause)
  }
}

async function ask(host: string, port: number, id: string, amount: number): Promise<void> {
  const stream = await connectTcp(host, port)
  await finalize(stream, async () => {
    await stream.sendAll(`${id} ${amount}\n`)
    await stream.receiveUntil('booked\n', 0)
  })
}

/** Errors that another attempt may not meet again. */
function mayPass(error: unknown): boolean {
  if (error instanceof TimeoutError || error instanceof BrokenResourceError || error instanceof IncompleteRead)
    return true
  return error instanceof Error && 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ETIMEDOUT')
}

/** Knows which orders were booked, and stores each before it confirms it. */
export class Ledger {
  total = 0
  readonly #booked = new Set<string>()
  readonly #write: (line: string) => Promise<void>
  readonly #lock = createLock()

  constructor(write: (line: string) => Promise<void>) {
    this.#write = write
  }

  /** The handler of a connection, for `serve`. */
  readonly connection = async (stream: SocketStream): Promise<void> => {
    for await (const line of stream.receiveDelimitedChunks('\n', 100)) {
      const [id = '', amount = '0'] = line.toString().split(' ')
      await this.book(id, Number(amount))
      await stream.sendAll('booked\n')
    }
  }

  /** Without the lock, an order that is requested again while it is being stored would be booked twice. */
  book(id: string, amount: number): Promise<void> {
    return this.#lock.use(async () => {
      if (this.#booked.has(id)) return
      await this.#write(`${id} ${amount}`)
      this.#booked.add(id)
      this.total += amount
    })
  }
}
