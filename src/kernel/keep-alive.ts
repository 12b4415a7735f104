/** The handle that keeps the process alive while a run is active, though it may wait for nothing that Node can see. */
import { detached } from './detached.ts'

let handle: NodeJS.Timeout | undefined
let holders = 0

export function retainProcess(): void {
  // An interval that is not expected ever to fire: the cheapest referenced handle there is.
  if (holders++ === 0) handle = detached(setInterval, () => {}, 2 ** 31 - 1)
}

export function releaseProcess(): void {
  if (--holders === 0) clearInterval(handle)
}
