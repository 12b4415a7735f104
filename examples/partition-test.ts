/**
 * A retrying client against a network that is cut again and again, in a hundred simulated worlds. Each seed gives another order
 * of events, and always the same one:
 *
 *   node examples/partition-test.ts                        all of them, in about a second
 *   STRUCTIO_SEED=7 node examples/partition-test.ts        one of them, as often as you like
 */
import { strict as assert } from 'node:assert'
import { createTaskGroup, createTcpServer, currentTime, mapConcurrent, run, sleep } from 'structio'
import { forEachSeed, VirtualNetwork } from 'structio/testing'
import { book, Ledger } from './retrying-client.ts'

const ORDERS = 20
let attempts = 0
let simulated = 0

await forEachSeed(100, (seed) => {
  const network = new VirtualNetwork({ latency: 20, jitter: 15 })
  return run(() => inTheWorld(network), { backend: 'virtual', backendOptions: { seed, network } })
})
console.log(
  `every order was booked once, with ${attempts} attempts in ${Math.round(simulated / 1000)} simulated seconds`,
)

async function inTheWorld(network: VirtualNetwork): Promise<void> {
  const shop = network.host('shop')
  const office = network.host('office')
  // Storing an order takes a while.
  const ledger = new Ledger(() => sleep(100))
  await createTaskGroup(async (tg) => {
    const server = await office.run(() => createTcpServer(7000))
    tg.spawn(() => server.serve(ledger.connection))
    tg.spawn(async () => {
      for (;;) {
        await sleep(200)
        network.partition([office])
        await sleep(600)
        network.heal()
      }
    })
    const orders = Array.from({ length: ORDERS }, (_, n) => `order-${n}`)
    const tries = await shop.run(() => mapConcurrent(orders, (id) => book('office', 7000, id, 1), { limit: 4 }))
    attempts += tries.reduce((sum, n) => sum + n, 0)
    simulated += currentTime()
    await server.close()
    tg.cancelScope.cancel()
  })
  assert.equal(ledger.total, ORDERS)
}
