/** Processes and signals. */
import { openProcess, receiveSignals, runProcess, type SignalReceiver } from '../../../index.ts'
import type { Row } from './calls.ts'
import { withProcess } from './set-ups.ts'

export const signals: Record<string, Row> = {
  receiveSignals: (check) => check(() => receiveSignals('SIGUSR2', () => {})),
  'SignalReceiver.[Symbol.asyncIterator]': async (check) => {
    // A signal that was not received goes on to other listeners, or to the default action.
    const ignore = (): void => {}
    process.on('SIGUSR2', ignore)
    try {
      await using receiver = receiveSignals('SIGUSR2')
      process.kill(process.pid, 'SIGUSR2')
      process.kill(process.pid, 'SIGUSR2')
      await receiver[Symbol.asyncIterator]().next()
      await check(() => receiver[Symbol.asyncIterator]().next())
    } finally {
      process.removeListener('SIGUSR2', ignore)
    }
  },
  'SignalReceiver.close': withReceiver((receiver) => receiver.close()),
  'SignalReceiver.[Symbol.asyncDispose]': withReceiver((receiver) => receiver[Symbol.asyncDispose]()),
}

export const processes: Record<string, Row> = {
  runProcess: (check) => check(() => runProcess(['true'])),
  openProcess: async (check) => {
    await using _ = await check(() => openProcess(['true']))
    await check(() => openProcess(['true'], () => {}))
  },
  'Process.wait': (check) =>
    withProcess(async (process) => {
      await process.wait()
      await check(() => process.wait())
    }),
  'Process.close': (check) => withProcess((process) => check(() => process.close())),
  'Process.[Symbol.asyncDispose]': (check) => withProcess((process) => check(() => process[Symbol.asyncDispose]())),
  'PipedProcess.wait': (check) => withProcess((process) => check(() => process.wait())),
  'PipedProcess.close': (check) => withProcess((process) => check(() => process.close())),
  'PipedProcess.[Symbol.asyncDispose]': (check) =>
    withProcess((process) => check(() => process[Symbol.asyncDispose]())),
}

/** The receiver is open until the call, however often that is made. */
function withReceiver(call: (receiver: SignalReceiver) => Promise<unknown>): Row {
  return async (check) => {
    await using receiver = receiveSignals('SIGUSR2')
    await check(() => call(receiver))
  }
}
