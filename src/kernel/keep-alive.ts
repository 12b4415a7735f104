/**
 * The handle that keeps the process alive while a run is active, even if it waits for nothing that Node knows of
 * (RUN-6).
 */
import { detached } from './detached.ts'

let handle: NodeJS.Timeout | undefined
let holders = 0

export function retainProcess(): void {
  // An interval of the maximal length: the cheapest referenced handle.
  if (holders++ === 0) handle = detached(setInterval, () => {}, 2 ** 31 - 1)
}

export function releaseProcess(): void {
  if (--holders === 0) clearInterval(handle)
}
