/** `process.exit` after some turns of the event loop, with everything pending. Arguments: driver, turns. */
import { leavePending } from './pending.mjs'

const [driver, turns] = process.argv.slice(2)
const tlsHandshakes = turns % 2 === 1 ? 'pool' : 'reactor'
leavePending({ driver, tlsHandshakes }, () => after(Number(turns), () => process.exit(7))).catch((error) => {
  console.error(error)
  process.exit(1)
})

function after(count, action) {
  if (count === 0) action()
  else setImmediate(after, count - 1, action)
}
