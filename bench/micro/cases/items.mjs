// Queues and memory object streams: items from one end to the other, through a bounded buffer.
//
// Free: one task puts and gets by turns, and never waits. Contended: four put and four get, and there is room for four.

import { asTasks, effect, promises, repeat, structio, together, WORKERS } from '../subjects.mjs'

const OPERATIONS = 100_000
const ROOM = 4
const PAIRS = WORKERS / 2

// ── structio

const queueFree = ({ createQueue }) => {
  const queue = createQueue(ROOM)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) {
      await queue.put(done)
      await queue.get()
    }
  }
}

const queueContended = (library) => {
  const queue = library.createQueue(ROOM)
  return (operations) => {
    let worker = 0
    return asTasks(library, operations, async (share) => {
      const gets = worker++ % 2 === 0
      for (let done = 0; done < share * 2; done += 1) {
        if (gets) await queue.get()
        else await queue.put(done)
      }
    })
  }
}

const memoryStream =
  ({ createMemoryObjectStream, createTaskGroup }) =>
  (operations) =>
    createTaskGroup((group) => {
      const [send, receive] = createMemoryObjectStream(ROOM)
      group.spawn(async () => {
        for (let done = 0; done < operations; done += 1) await send.send(done)
        send.close()
      })
      group.spawn(async () => {
        let sum = 0
        for await (const item of receive) sum += item
        return sum
      })
    })

// ── async-sema: the textbook's bounded buffer, of two semaphores.

class TwoSemaphores {
  #items = []
  #room
  #filled

  constructor({ Sema }) {
    this.#room = new Sema(ROOM)
    this.#filled = new Sema(0)
  }

  async put(item) {
    await this.#room.acquire()
    this.#items.push(item)
    this.#filled.release()
  }

  async get() {
    await this.#filled.acquire()
    const item = this.#items.shift()
    this.#room.release()
    return item
  }
}

const semaQueueFree = (library) => {
  const queue = new TwoSemaphores(library)
  return async (operations) => {
    for (let done = 0; done < operations; done += 1) {
      await queue.put(done)
      await queue.get()
    }
  }
}

const semaQueueContended = (library) => {
  const queue = new TwoSemaphores(library)
  return (operations) => {
    let worker = 0
    return together(operations, async (share) => {
      const gets = worker++ % 2 === 0
      for (let done = 0; done < share * 2; done += 1) {
        if (gets) await queue.get()
        else await queue.put(done)
      }
    })
  }
}

// ── Effect

const effectFree = (modules) => {
  const { Effect, Queue } = modules
  return (operations) =>
    Effect.flatMap(Queue.bounded(ROOM), (queue) =>
      repeat(modules, operations, Effect.zipRight(Queue.offer(queue, 0), Queue.take(queue))),
    )
}

const effectContended = (modules) => {
  const { Effect, Queue } = modules
  return (operations) =>
    Effect.flatMap(Queue.bounded(ROOM), (queue) =>
      Effect.all(
        Array.from({ length: WORKERS }, (_, index) =>
          repeat(modules, operations / PAIRS, index % 2 === 0 ? Queue.take(queue) : Queue.offer(queue, 0)),
        ),
        { concurrency: 'unbounded', discard: true },
      ),
    )
}

const effectPair = (modules) => {
  const { Effect, Queue } = modules
  return (operations) =>
    Effect.flatMap(Queue.bounded(ROOM), (queue) =>
      Effect.all([repeat(modules, operations, Queue.offer(queue, 0)), repeat(modules, operations, Queue.take(queue))], {
        concurrency: 'unbounded',
        discard: true,
      }),
    )
}

// ── Node's own streams of objects, as their users write them

const passThrough =
  ({ PassThrough }) =>
  async (operations) => {
    const stream = new PassThrough({ objectMode: true, highWaterMark: ROOM })
    const sending = (async () => {
      for (let done = 0; done < operations; done += 1) {
        if (!stream.write(done)) await new Promise((resolve) => stream.once('drain', resolve))
      }
      stream.end()
    })()
    let sum = 0
    for await (const item of stream) sum += item
    await sending
    return sum
  }

const transformStream = () => async (operations) => {
  const { readable, writable } = new TransformStream(undefined, { highWaterMark: ROOM }, { highWaterMark: 0 })
  const sending = (async () => {
    const writer = writable.getWriter()
    for (let done = 0; done < operations; done += 1) {
      await writer.ready
      void writer.write(done)
    }
    await writer.close()
  })()
  let sum = 0
  for await (const item of readable) sum += item
  await sending
  return sum
}

export const items = {
  queue: {
    operations: OPERATIONS,
    subjects: {
      structio: structio(queueFree),
      'async-sema': promises('async-sema', semaQueueFree),
      effect: effect(effectFree),
    },
  },
  'queue-contended': {
    operations: OPERATIONS,
    subjects: {
      structio: structio(queueContended),
      'async-sema': promises('async-sema', semaQueueContended),
      effect: effect(effectContended),
    },
  },
  'memory-stream': {
    operations: OPERATIONS,
    subjects: {
      structio: structio(memoryStream),
      'pass-through': promises('node:stream', passThrough),
      'transform-stream': promises(undefined, transformStream),
      effect: effect(effectPair),
    },
  },
}
