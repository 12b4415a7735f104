/** Receiving signals, by real ones that this process sends itself. */
import test, { type ExecutionContext } from 'ava'
import {
  ClosedResourceError,
  createTaskGroup,
  moveOnAfter,
  NotRunningError,
  openCancelScope,
  receiveSignals,
  ResourceBusyError,
  run,
  sleepForever,
  type SignalReceiver,
  waitAllTasksBlocked,
} from '../../index.ts'
import { eachBackend } from '../support/backends.ts'

const send = (signal: NodeJS.Signals): boolean => process.kill(process.pid, signal)

/** The next `count` signals. */
async function take(receiver: SignalReceiver, count: number): Promise<string[]> {
  const taken: string[] = []
  if (count === 0) return taken
  for await (const signal of receiver) if (taken.push(signal) === count) break
  return taken
}

/** Listens as the program around would, until the test ends. */
function listener(t: ExecutionContext, signal: NodeJS.Signals): { heard: string[]; came: () => Promise<void> } {
  const heard: string[] = []
  let wake = (): void => {}
  // A listener of a signal keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  const hear = (name: string): void => {
    heard.push(name)
    wake()
  }
  process.on(signal, hear)
  t.teardown(() => process.off(signal, hear))
  return { heard, came: () => new Promise((resolve) => (wake = resolve)) }
}

eachBackend(
  test,
  'I1: two different signals before the first read are both delivered, in order',
  async (t, backend) => {
    await backend.run(() =>
      receiveSignals('SIGUSR2', 'SIGHUP', async (receiver) => {
        send('SIGHUP')
        send('SIGUSR2')
        t.deepEqual(await take(receiver, 2), ['SIGHUP', 'SIGUSR2'])
      }),
    )
  },
)

eachBackend(
  test,
  'I1: listeners are back after the block also when installing one signal failed',
  async (t, backend) => {
    const first = (): void => {}
    const second = (): void => {}
    process.on('SIGUSR2', first).once('SIGUSR2', second)
    const raw = process.rawListeners('SIGUSR2')
    const refuse = (event: string | symbol): void => {
      if (event === 'SIGHUP') throw new Error('not this one')
    }
    process.on('newListener', refuse)
    try {
      await backend.run(async () => {
        await t.throwsAsync(
          receiveSignals('SIGUSR2', 'SIGHUP', () => t.fail()),
          { message: 'not this one' },
        )
        t.throws(() => receiveSignals('SIGUSR2', 'SIGHUP'), { message: 'not this one' })
      })
      t.deepEqual(process.rawListeners('SIGUSR2'), raw)
      t.is(process.listenerCount('SIGHUP'), 0)
    } finally {
      process.off('newListener', refuse).off('SIGUSR2', first).off('SIGUSR2', second)
    }
    t.is(process.listenerCount('SIGUSR2'), 0)
  },
)

eachBackend(test, 'every receiver gets every signal, and a burst as the system delivers it', async (t, backend) => {
  await backend.run(async () => {
    await using one = receiveSignals('SIGUSR2', 'SIGHUP')
    await using two = receiveSignals('SIGUSR2')
    for (let i = 0; i < 20; i++) send(i % 2 === 0 ? 'SIGUSR2' : 'SIGHUP')
    const all = await take(one, 20)
    t.deepEqual(
      all,
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 'SIGUSR2' : 'SIGHUP')),
    )
    t.deepEqual(
      await take(two, 10),
      all.filter((name) => name === 'SIGUSR2'),
    )
  })
})

eachBackend(test, 'signals are asked for by name or number, once each, and come by name', async (t, backend) => {
  await backend.run(async () => {
    await using receiver = receiveSignals(12, 'SIGUSR2', 'SIGHUP')
    send('SIGUSR2')
    send('SIGHUP')
    t.deepEqual(await take(receiver, 2), ['SIGUSR2', 'SIGHUP'])
    t.is(process.listenerCount('SIGUSR2'), 1)
  })
  t.is(process.listenerCount('SIGUSR2'), 0)
})

eachBackend(
  test,
  'a waiting step is woken, survives its cancellation, and refuses a second one',
  async (t, backend) => {
    await backend.run(async () => {
      await using receiver = receiveSignals('SIGUSR2')
      const signals = receiver[Symbol.asyncIterator]()
      await openCancelScope(async (scope) => {
        await createTaskGroup(async (tg) => {
          tg.spawn(() => signals.next())
          await waitAllTasksBlocked()
          await t.throwsAsync(() => signals.next(), { instanceOf: ResourceBusyError })
          await t.throwsAsync(() => receiver[Symbol.asyncIterator]().next(), { instanceOf: ResourceBusyError })
          scope.cancel()
        })
      })
      await createTaskGroup(async (tg) => {
        const next = tg.spawn(() => signals.next())
        await waitAllTasksBlocked()
        send('SIGUSR2')
        t.deepEqual(await next.value(), { done: false, value: 'SIGUSR2' })
      })
    })
  },
)

eachBackend(test, 'a cancelled step loses no signal', async (t, backend) => {
  await backend.run(async () => {
    await using receiver = receiveSignals('SIGUSR2')
    await openCancelScope(async (scope) => {
      await createTaskGroup(async (tg) => {
        tg.spawn(() => take(receiver, 1))
        await waitAllTasksBlocked()
        scope.cancel()
        send('SIGUSR2')
      })
    })
    t.deepEqual(await take(receiver, 1), ['SIGUSR2'])
  })
})

eachBackend(
  test,
  'break leaves the receiver open; close ends a waiting step and every later one',
  async (t, backend) => {
    await backend.run(async () => {
      const receiver = receiveSignals('SIGUSR2')
      send('SIGUSR2')
      t.deepEqual(await take(receiver, 1), ['SIGUSR2'])
      await createTaskGroup(async (tg) => {
        tg.spawn(async () => {
          await t.throwsAsync(() => take(receiver, 1), { instanceOf: ClosedResourceError })
        })
        await waitAllTasksBlocked()
        await receiver.close()
      })
      await receiver.close()
      await t.throwsAsync(() => take(receiver, 1), { instanceOf: ClosedResourceError })
      t.is(process.listenerCount('SIGUSR2'), 0)
    })
  },
)

eachBackend(
  test,
  'other listeners are detached, and put back in order when the last receiver closes',
  async (t, backend) => {
    const heard: string[] = []
    const hear = (name: string) => (): void => void heard.push(name)
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(hear) as [() => void, ...(() => void)[]] as (() => void)[]
    process.on('SIGUSR2', a!).once('SIGUSR2', b!).on('SIGUSR2', a!)
    try {
      await backend.run(async () => {
        const one = receiveSignals('SIGUSR2')
        const two = receiveSignals('SIGUSR2')
        t.is(process.listenerCount('SIGUSR2'), 1)
        process.prependListener('SIGUSR2', c!)
        process.on('SIGUSR2', d!)
        process.prependOnceListener('SIGUSR2', e!)
        await one.close()
        t.is(process.listenerCount('SIGUSR2'), 4)
        await two.close()
      })
      t.deepEqual(process.listeners('SIGUSR2'), [e, c, a, b, a, d])
      for (const round of ['eca' + 'bad', 'caad']) {
        heard.length = 0
        process.emit('SIGUSR2', 'SIGUSR2')
        t.is(heard.join(''), round)
      }
    } finally {
      for (const each of [a, a, c, d]) process.off('SIGUSR2', each!)
    }
    t.is(process.listenerCount('SIGUSR2'), 0)
  },
)

eachBackend(test, 'listeners are back after an error and after a cancellation of the block', async (t, backend) => {
  const before = (): void => {}
  process.on('SIGUSR2', before)
  t.teardown(() => process.off('SIGUSR2', before))
  await backend.run(async () => {
    await t.throwsAsync(
      receiveSignals('SIGUSR2', () => {
        throw new Error('of the body')
      }),
      { message: 'of the body' },
    )
    t.deepEqual(process.listeners('SIGUSR2'), [before])
    await openCancelScope(async (scope) => {
      await receiveSignals('SIGUSR2', async () => {
        t.notDeepEqual(process.listeners('SIGUSR2'), [before])
        scope.cancel()
        await sleepForever()
      })
    })
    t.deepEqual(process.listeners('SIGUSR2'), [before])
    // Closes in a cancelled scope, too.
    await openCancelScope(async (scope) => {
      const receiver = receiveSignals('SIGUSR2')
      scope.cancel()
      await t.notThrowsAsync(receiver.close())
      t.deepEqual(process.listeners('SIGUSR2'), [before])
      await receiver.close()
    })
  })
})

eachBackend(
  test,
  'what nobody was told of goes on to the listeners that are put back, in order',
  async (t, backend) => {
    const outer = listener(t, 'SIGUSR2')
    const other = listener(t, 'SIGHUP')
    await backend.run(async () => {
      await receiveSignals('SIGUSR2', 'SIGHUP', async (receiver) => {
        send('SIGUSR2')
        send('SIGHUP')
        send('SIGUSR2')
        t.deepEqual(await take(receiver, 1), ['SIGUSR2'])
        t.deepEqual(outer.heard, [])
      })
    })
    while (outer.heard.length === 0) await outer.came()
    t.deepEqual([outer.heard, other.heard], [['SIGUSR2'], ['SIGHUP']])
  },
)

eachBackend(test, 'what has come and was not seen yet when the block ends goes on, too', async (t, backend) => {
  const outer = listener(t, 'SIGUSR2')
  const heard = outer.came()
  await backend.run(() =>
    receiveSignals('SIGUSR2', () => {
      send('SIGUSR2')
    }),
  )
  await heard
  t.deepEqual(outer.heard, ['SIGUSR2'])
})

eachBackend(test, 'of two receivers it is enough that one was told', async (t, backend) => {
  const outer = listener(t, 'SIGUSR2')
  const marker = listener(t, 'SIGHUP')
  await backend.run(async () => {
    const one = receiveSignals('SIGUSR2')
    const two = receiveSignals('SIGUSR2')
    send('SIGUSR2')
    t.deepEqual(await take(one, 1), ['SIGUSR2'])
    await one.close()
    await two.close()
  })
  send('SIGHUP')
  await marker.came()
  t.deepEqual(outer.heard, [])
})

eachBackend(test, 'what one receiver leaves goes on to those that are open', async (t, backend) => {
  await backend.run(async () => {
    const one = receiveSignals('SIGUSR2')
    send('SIGUSR2')
    await receiveSignals('SIGHUP', async (marker) => {
      send('SIGHUP')
      t.deepEqual(await take(marker, 1), ['SIGHUP'])
    })
    const two = receiveSignals('SIGUSR2')
    await one.close()
    t.deepEqual(await take(two, 1), ['SIGUSR2'])
    await two.close()
  })
})

eachBackend(
  test,
  'a shutdown signal is a receiver’s while there is one, and its listener does not come back later',
  async (t, backend) => {
    const result = await backend.run(
      async () => {
        await receiveSignals('SIGUSR2', async (receiver) => {
          send('SIGUSR2')
          t.deepEqual(await take(receiver, 1), ['SIGUSR2'])
        })
        await receiveSignals('SIGUSR2', async () => {
          // The other one shuts down: neither of the two is listened for any more.
          send('SIGHUP')
          await sleepForever()
        })
      },
      { shutdownSignals: ['SIGUSR2', 'SIGHUP'] },
    )
    t.is(result, undefined)
    t.is(process.listenerCount('SIGUSR2') + process.listenerCount('SIGHUP'), 0)
  },
)

eachBackend(test, 'a shutdown signal that a receiver leaves shuts down', async (t, backend) => {
  const result = await backend.run(
    async () => {
      await using _ = receiveSignals('SIGUSR2')
      send('SIGUSR2')
      await receiveSignals('SIGHUP', async (marker) => {
        send('SIGHUP')
        await take(marker, 1)
      })
      await _.close()
      await sleepForever()
    },
    { shutdownSignals: ['SIGUSR2'] },
  )
  t.is(result, undefined)
})

eachBackend(test, 'a bad signal fails at once, and changes nothing', async (t, backend) => {
  await backend.run(async () => {
    const bad: [unknown[], string][] = [
      [[], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', 'SIGKILL'], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', 'SIGSTOP'], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', 9], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', 0], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', 1.5], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', NaN], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', 'SIGNAL'], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', 'toString'], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', 'exit'], 'ERR_OUT_OF_RANGE'],
      [['SIGUSR2', undefined], 'ERR_INVALID_ARG_TYPE'],
      [[['SIGUSR2']], 'ERR_INVALID_ARG_TYPE'],
    ]
    const receive = receiveSignals as (...args: unknown[]) => unknown
    for (const [args, code] of bad) {
      t.throws(() => receive(...args), { code }, String(args))
      await t.throwsAsync(() => receive(...args, () => t.fail()) as Promise<unknown>, { code }, String(args))
    }
    t.is(process.listenerCount('SIGUSR2'), 0)
  })
})

eachBackend(test, 'a receiver that is left open is closed with a warning', async (t, backend) => {
  const warnings: Error[] = []
  const hear = (warning: Error): void => void warnings.push(warning)
  process.on('warning', hear)
  await backend.run(() => {
    receiveSignals('SIGUSR2', 'SIGHUP')
  })
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', hear)
  t.is(process.listenerCount('SIGUSR2') + process.listenerCount('SIGHUP'), 0)
  t.is(warnings.length, 1)
  t.regex(warnings[0]!.message, /^signal receiver of SIGUSR2, SIGHUP was still open when its run ended/)
})

eachBackend(test, 'to wait for a signal is no deadlock, and time may pass meanwhile', async (t, backend) => {
  await backend.run(async () => {
    await receiveSignals('SIGUSR2', async (receiver) => {
      t.is(await moveOnAfter(20, () => take(receiver, 1)), undefined)
    })
  })
})

test.serial('outside of every task there is no receiver', async (t) => {
  t.throws(() => receiveSignals('SIGUSR2'), { instanceOf: NotRunningError })
  await t.throwsAsync(() => receiveSignals('SIGUSR2', () => {}), { instanceOf: NotRunningError })
  t.is(process.listenerCount('SIGUSR2'), 0)
})

test.serial('receivers of two runs are of one process', async (t) => {
  await Promise.all(
    ['node', 'virtual'].map((backend) =>
      run(
        () =>
          receiveSignals('SIGUSR2', async (receiver) => {
            if (backend === 'virtual') send('SIGUSR2')
            t.deepEqual(await take(receiver, 1), ['SIGUSR2'])
          }),
        { backend: backend as 'node' },
      ),
    ),
  )
  t.is(process.listenerCount('SIGUSR2'), 0)
})
