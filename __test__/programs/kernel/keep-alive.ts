/** A run that waits for nothing in the operating system: only `keepAlive` keeps the process alive. */
import { run } from '../../../src/run.ts'
import { failAfter, sleepForever } from '../../../src/scopes.ts'

const [how] = process.argv.slice(2)
process.on('exit', () => console.log('exit'))

if (how === 'settled') {
  // An armed timer, an hour away, must not hold a process whose run is over.
  void run(() => failAfter(3_600_000, () => 'value')).then((value) => console.log(`settled ${value}`))
} else {
  void run(
    () => {
      console.log('waiting')
      return sleepForever()
    },
    { keepAlive: how === 'kept' },
  )
}
