/** Streams that break one rule each, and the rule of `checkStream` that is to find it. */
import {
  BrokenResourceError,
  Cancelled,
  checkpoint,
  ClosedResourceError,
  createEvent,
  createLock,
  currentEffectiveDeadline,
  IncompleteRead,
  openCancelScope,
  ResourceBusyError,
  type Stream,
} from '../../index.ts'
import { type CheckStreamOptions, lockstepStreamPair, memoryStreamPair } from '../../src/testing/index.ts'
import { OWN_CAPACITY, OwnStream, ownStreamPair, spoilt } from './own-stream.ts'

type Make = () => [Stream, Stream]

/** The defect, and how it shows. */
export const planted: Record<string, { rule: string; make: Make; text?: RegExp; options?: CheckStreamOptions }> = {
  'a byte is not the one that was sent': {
    rule: 'what is sent arrives, whole and in order',
    make: both((stream) => ({
      sendAll: (data) => stream.sendAll(Buffer.from(data as string).map((byte) => (byte === 255 ? 254 : byte))),
    })),
    text: /should have been 5 bytes .* differ from byte 1 on/,
  },
  'nothing ever arrives': {
    rule: 'what is sent arrives, whole and in order',
    make: both(() => ({ sendAll: () => new Promise(() => {}) })),
    text: /hung: 1000 ms were not enough, and it waited for receiveSome\(1\) of the peer/,
  },
  'an empty send ends the data': {
    rule: 'an empty send sends nothing',
    make: both((stream) => ({
      sendAll: (data) => (data.length === 0 ? stream.sendEof() : stream.sendAll(data)),
    })),
  },
  'the parts of sendMany go out in the wrong order': {
    rule: 'sendMany sends its parts in order',
    make: both((stream) => ({ sendMany: (list) => stream.sendMany([...list].reverse()) })),
  },
  'receiveSome gives one byte more': {
    rule: 'receiveSome gives at most maxBytes',
    make: both((stream) => ({ receiveSome: (maxBytes = 100) => stream.receiveSome(maxBytes + 1) })),
  },
  'receiveSome(0) answers': {
    rule: 'bad arguments are refused before anything is started',
    make: both((stream) => ({
      receiveSome: async (maxBytes) => (maxBytes === 0 ? Buffer.alloc(0) : stream.receiveSome(maxBytes)),
    })),
    text: /receiveSome\(0\) succeeded, and should have thrown RangeError/,
  },
  'what was sent is looked at afterwards': {
    rule: 'sent memory is the caller’s again when sendAll has resolved',
    make: () =>
      ownStreamPair(
        class extends OwnStream {
          protected override keep(data: Uint8Array | string): Buffer {
            return Buffer.isBuffer(data) ? data : super.keep(data)
          }
        },
      ),
    options: { capacity: OWN_CAPACITY },
  },
  'received memory is used again': {
    rule: 'received memory is never written again',
    make: both((stream) => {
      const memory = Buffer.alloc(100_000)
      return {
        receiveExactly: async (count) => {
          const bytes = await stream.receiveExactly(count)
          return memory.subarray(0, bytes.copy(memory))
        },
      }
    }),
  },
  'a send waits for the receive of the same end': {
    rule: 'both directions at once deliver everything',
    make: both((stream) => {
      const lock = createLock()
      return {
        receiveSome: (maxBytes) => lock.use(() => stream.receiveSome(maxBytes)),
        sendAll: (data) => lock.use(() => stream.sendAll(data)),
      }
    }),
    text: /hung/,
  },
  'sendAll never waits': {
    rule: 'sendAll waits while the peer does not receive',
    make: memoryStreamPair,
    options: { capacity: 1000 },
    text: /sendAll of 1025 bytes did not wait, though the peer did not receive/,
  },
  'receiveInto spoils the first byte': {
    rule: 'receiveInto fills the caller’s memory',
    make: both((stream) => ({
      receiveInto: async (view) => {
        const count = await stream.receiveInto(view)
        view[0] = 0
        return count
      },
    })),
  },
  'receiveExactly gives 64 KiB at most': {
    rule: 'receiveExactly gives exactly so many bytes',
    make: both((stream) => ({
      receiveExactly: async (count) => (await stream.receiveExactly(count)).subarray(0, 65_536),
    })),
    text: /should have been 69999 bytes .* and was 65536 bytes/,
  },
  'batches never include their delimiters': {
    rule: 'iterators give what comes, and end with the data',
    make: both((stream) => ({
      receiveDelimitedBatches: (delimiter, maxSize) => stream.receiveDelimitedBatches(delimiter, maxSize),
    })),
  },
  'a full direction holds up the other one': {
    rule: 'a full direction does not hold up the other one',
    make: both((stream) => {
      const sending = new Waits()
      return {
        sendAll: (data) => (data.length === 1025 ? sending.add(stream.sendAll(data)) : stream.sendAll(data)),
        receiveSome: async (maxBytes) => {
          await sending.over()
          return stream.receiveSome(maxBytes)
        },
      }
    }),
    text: /hung.* receiveSome\(6\) of the stream$/,
  },
  'receiveUntil does not know its limit': {
    rule: 'receiveUntil finds a delimiter, within its limit and across pieces',
    make: both((stream) => ({
      receiveUntil: (delimiter, _maxBytes, options) => stream.receiveUntil(delimiter, 1000, options),
    })),
  },
  'an unfinished frame is thrown away': {
    rule: 'data that ends inside a frame is an IncompleteRead, and stays readable',
    make: both((stream) => ({
      receiveExactly: async (count) => {
        try {
          return await stream.receiveExactly(count)
        } catch (error) {
          if (error instanceof IncompleteRead) await stream.receiveSome()
          throw error
        }
      },
    })),
  },
  'bufferedData is the very memory': {
    rule: 'bufferedData is a copy of what was read ahead, and goes first',
    make: both((stream) => {
      let live = Buffer.alloc(0) as Buffer
      return {
        get bufferedData() {
          return live.length > 0 ? live : (live = stream.bufferedData)
        },
        receiveSome: async (maxBytes = 100) => {
          if (live.length === 0) return stream.receiveSome(maxBytes)
          const bytes = live.subarray(0, maxBytes)
          live = live.subarray(maxBytes)
          await stream.receiveExactly(bytes.length)
          return bytes
        },
      }
    }),
    text: /was 6 bytes \("!!!!!!"\)/,
  },
  'a second receive is let in': {
    rule: 'a second receive is refused, and the first goes on',
    make: both((stream) => ({
      receiveSome: async (maxBytes) => {
        try {
          return await stream.receiveSome(maxBytes)
        } catch (error) {
          if (error instanceof ResourceBusyError) return Buffer.alloc(0)
          throw error
        }
      },
    })),
  },
  'a second next() is let in': {
    rule: 'a second next() is refused, and the first goes on',
    make: both((stream) => ({
      receiveChunks: (maxSize) => {
        let busy = false
        return iterator(stream.receiveChunks(maxSize), async (step) => {
          if (busy) return { done: true, value: undefined }
          busy = true
          try {
            return await step()
          } finally {
            busy = false
          }
        })
      },
    })),
  },
  'sends mix': {
    rule: 'sends that overlap do not mix: each leaves whole, in call order, or is refused',
    make: () =>
      lockstepStreamPair().map((stream) =>
        spoilt(stream, {
          sendAll: async (data) => {
            const bytes = Buffer.from(data as string)
            await stream.sendAll(bytes.subarray(0, 100))
            if (bytes.length > 100) await stream.sendAll(bytes.subarray(100))
          },
        }),
      ) as [Stream, Stream],
    options: { capacity: 0 },
  },
  'close in a cancelled scope does not close': {
    rule: 'close in a cancelled scope closes, and raises no cancellation',
    make: both((stream) => ({
      close: async () => {
        await checkpoint()
        await stream.close()
      },
    })),
  },
  'close lets a receive wait': {
    rule: 'the own close wakes a receive with ClosedResourceError',
    make: both((stream) => {
      const receiving = new Waits()
      return {
        receiveSome: (maxBytes) => receiving.add(stream.receiveSome(maxBytes)),
        close: async () => {
          await receiving.over()
          await stream.close()
        },
      }
    }),
    text: /hung.* receiveSome\(\)$/,
  },
  'close lets a send wait': {
    rule: 'the own close wakes a send with ClosedResourceError',
    make: both((stream) => {
      const sending = new Waits()
      return {
        sendAll: (data) => sending.add(stream.sendAll(data)),
        close: async () => {
          await sending.over()
          await stream.close()
        },
      }
    }),
    text: /hung.* sendAll\(1025 bytes\)$/,
  },
  'a closed stream reads as one that has ended': {
    rule: 'after the own close every call is a ClosedResourceError',
    make: both((stream) => ({
      receiveInto: async (view) => {
        try {
          return await stream.receiveInto(view)
        } catch (error) {
          if (error instanceof ClosedResourceError) return 0
          throw error
        }
      },
    })),
    text: /receiveInto\(\) after close\(\) succeeded/,
  },
  'a second close fails': {
    rule: 'closing again is harmless',
    make: both((stream) => {
      let closed = false
      return {
        close: async () => {
          if (closed) throw new ClosedResourceError('closed already')
          closed = true
          await stream.close()
        },
      }
    }),
  },
  'the end of the data is told once': {
    rule: 'what was sent before close arrives, and then the end',
    make: both((stream) => {
      let ended = false
      return {
        receiveSome: async (maxBytes) => {
          const bytes = await stream.receiveSome(maxBytes)
          if (ended) throw new BrokenResourceError('there is nothing any more')
          ended = bytes.length === 0
          return bytes
        },
      }
    }),
    text: /receiveSome\(\) at the end again threw BrokenResourceError/,
  },
  'sending to nobody succeeds': {
    rule: 'sending to a peer that is gone is a BrokenResourceError, and stays one',
    make: both((stream) => ({ sendAll: (data) => stream.sendAll(data).catch(unless(BrokenResourceError)) })),
    text: /a peer that is gone was sent 1048576 bytes/,
  },
  'a waiting send does not hear that the peer has gone': {
    rule: 'a send that waits is broken when the peer goes',
    make: both((stream) => ({
      sendAll: async (data) => {
        await stream.sendAll(data).catch(unless(BrokenResourceError, data.length !== 1025))
      },
    })),
    text: /succeeded, and should have thrown BrokenResourceError/,
  },
  'close raises the cancellation': {
    rule: 'close in a cancelled scope closes, and raises no cancellation',
    make: both((stream) => ({
      close: async () => {
        await stream.close()
        await checkpoint()
      },
    })),
    text: /in a cancelled scope threw Cancelled/,
  },
  'a disposer raises the cancellation': {
    rule: 'a disposer closes, and never raises a cancellation',
    make: both((stream) => ({
      [Symbol.asyncDispose]: async () => {
        await stream.close()
        await checkpoint()
      },
    })),
    text: /\[Symbol.asyncDispose\]\(\) in a cancelled scope threw Cancelled/,
  },
  'sendEof closes both halves': {
    rule: 'sendEof ends one direction, and not the other',
    make: both((stream) => ({ sendEof: () => stream.sendEof().then(() => stream.close()) })),
  },
  'there is no half-close, and nobody says so': {
    rule: 'sendEof says that there is no half-close, and does nothing',
    make: () => lockstepStreamPair(),
    options: { halfClose: false, capacity: 0 },
  },
  'a send takes no notice of a cancellation': {
    rule: 'in a cancelled scope every call throws Cancelled, and does nothing',
    make: both((stream) => ({
      sendAll: async (data) => {
        if (data.length !== 0) return stream.sendAll(data)
        await openCancelScope({ shield: true }, () => stream.sendAll(data))
      },
    })),
    text: /sendAll\(''\): in a cancelled scope it completed/,
  },
  'an empty send never lets others run': {
    rule: 'a call that need not wait lets others run now and then',
    make: both((stream) => ({
      sendAll: async (data) => {
        const sent = stream.sendAll(data)
        if (data.length !== 0) return sent
        let failure: unknown
        sent.catch((error: unknown) => (failure = error))
        for (let microtask = 0; microtask < 10; microtask++) await null
        if (failure !== undefined) throw failure
      },
    })),
    text: /sendAll\(''\): it let no other code run/,
  },
  'a cancelled receive is the last': {
    rule: 'a cancelled receive loses nothing',
    make: both((stream) => {
      let over = false
      return {
        receiveSome: async (maxBytes) => {
          if (over) return Buffer.alloc(0)
          const refused = currentEffectiveDeadline() === -Infinity
          try {
            return await stream.receiveSome(maxBytes)
          } catch (error) {
            over = error instanceof Cancelled && !refused
            throw error
          }
        },
      }
    }),
    text: /the data ended, 9 bytes before it should/,
  },
  'a cancelled receive takes its bytes along': {
    rule: 'a receive that is cancelled as bytes come loses nothing',
    make: both((stream) => ({
      receiveSome: async (maxBytes) => {
        const bytes = await stream.receiveSome(maxBytes)
        await checkpoint()
        return bytes
      },
    })),
  },
  'a cancelled send makes the next one say something of its own': {
    rule: 'a cancelled sendAll has sent a prefix',
    make: both((stream) => {
      let cancelled = false
      return {
        sendAll: async (data) => {
          if (cancelled) await stream.sendAll('?')
          try {
            await stream.sendAll(data)
          } catch (error) {
            cancelled = error instanceof Cancelled && data.length > 1000
            throw error
          }
        },
      }
    }),
    text: /what the cancelled call has sent should have been/,
  },
  'a cancelled next() ends the iterator': {
    rule: 'an iterator whose next() was cancelled goes on',
    make: both((stream) => ({
      receiveChunks: (maxSize) => {
        let done = false
        return iterator(stream.receiveChunks(maxSize), async (step) => {
          if (done) return { done: true, value: undefined }
          try {
            return await step()
          } catch (error) {
            done = error instanceof Cancelled
            throw error
          }
        })
      },
    })),
  },
  'a loop that is left closes the stream': {
    rule: 'a loop that is left ends the iterator, and not the stream',
    make: both((stream) => ({
      receiveDelimitedChunks: (...given) =>
        iterator(
          stream.receiveDelimitedChunks(...given),
          (step) => step(),
          () => stream.close(),
        ),
    })),
  },
}

/** Lockstep streams, both of which have the same defect. */
function both(defect: (stream: Stream) => Partial<Stream>): Make {
  return () => {
    const [here, there] = lockstepStreamPair()
    return [spoilt(here, defect(here)), spoilt(there, defect(there))]
  }
}

/** Swallows errors of one class, unless `loud`. */
function unless(kind: abstract new (...args: never[]) => Error, loud = false): (error: unknown) => void {
  return (error) => {
    if (loud || !(error instanceof kind)) throw error
  }
}

/** What waits in one direction. */
class Waits {
  readonly #over = createEvent()

  constructor() {
    this.#over.set()
  }

  async add<T>(call: Promise<T>): Promise<T> {
    this.#over.clear()
    try {
      return await call
    } finally {
      this.#over.set()
    }
  }

  async over(): Promise<void> {
    if (!this.#over.isSet()) await this.#over.wait()
  }
}

/** The same iterator, with a step of its own. */
function iterator<T>(
  inner: AsyncIterableIterator<T>,
  next: (step: () => Promise<IteratorResult<T>>) => Promise<IteratorResult<T>>,
  left?: () => Promise<void>,
): AsyncIterableIterator<T> {
  return {
    next: () => next(() => inner.next()),
    return: async () => {
      await left?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
