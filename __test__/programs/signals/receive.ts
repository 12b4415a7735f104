/** Receives signals, in the way that the mode names. The test checks the output and the end of the process. */
import { getAvailableBackends, receiveSignals, run, sleepForever } from '../../../index.ts'

const [mode = '', backend = 'node'] = process.argv.slice(2)
const send = (signal: NodeJS.Signals): boolean => process.kill(process.pid, signal)

const modes: Record<string, () => Promise<unknown>> = {
  /** The signal is not consumed before the block ends. */
  unconsumed: async () => {
    await receiveSignals('SIGTERM', () => {
      send('SIGTERM')
    })
    console.log('survived')
  },
  'unconsumed, after an error': async () => {
    await receiveSignals('SIGTERM', () => {
      send('SIGTERM')
      throw new Error('of the body')
    }).catch((error: Error) => console.log(error.message))
  },
  'left open': async () => {
    receiveSignals('SIGTERM')
    send('SIGTERM')
  },
  consumed: async () => {
    await receiveSignals('SIGTERM', 'SIGINT', async (signals) => {
      console.log('ready')
      for await (const signal of signals) {
        console.log(signal)
        if (signal === 'SIGTERM') break
      }
    })
    console.log('done')
  },
  /** An open receiver gets the signal; after that, the signal shuts the run down. */
  shutdown: async () => {
    try {
      await receiveSignals('SIGTERM', async (signals) => {
        console.log('ready')
        for await (const signal of signals) {
          console.log(signal)
          break
        }
      })
      console.log('again')
      await sleepForever()
    } finally {
      console.log('unwound')
    }
  },
  /** Waiting for a signal keeps the process alive even where the run does not. */
  waiting: async () => {
    await receiveSignals('SIGTERM', async (signals) => {
      setTimeout(() => console.log('ready'), 50)
      for await (const signal of signals) {
        console.log(signal)
        break
      }
    })
  },
  /** An open receiver alone does not. */
  idle: async () => {
    receiveSignals('SIGTERM')
    console.log('idle')
    await new Promise(() => {})
  },
}

if (!getAvailableBackends().includes(backend)) throw new Error(`no ${backend}`)
const result = await run(modes[mode] as () => Promise<unknown>, {
  backend: backend as 'node',
  keepAlive: mode !== 'waiting' && mode !== 'idle',
  ...(mode === 'shutdown' ? { shutdownSignals: ['SIGTERM'] } : {}),
})
console.log(`result ${String(result)}`)
