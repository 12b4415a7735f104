/**
 * What is going to happen, by time, and at one time in the order of its making: a heap in which every event knows its
 * place, so that one that is called off leaves at once and cannot make the time jump to it.
 */

export class ScheduledEvent {
  readonly at: number
  readonly order: number
  readonly fire: () => void
  /** Its place; -1 when it is not in the queue. */
  index = -1
  calledOff = false

  constructor(at: number, order: number, fire: () => void) {
    this.at = at
    this.order = order
    this.fire = fire
  }
}

export class EventQueue {
  readonly #heap: ScheduledEvent[] = []

  get size(): number {
    return this.#heap.length
  }

  get first(): ScheduledEvent | undefined {
    return this.#heap[0]
  }

  add(event: ScheduledEvent): void {
    event.index = this.#heap.length
    this.#heap.push(event)
    this.#rise(event)
  }

  /** Harmless where it is not in the queue any more. */
  remove(event: ScheduledEvent): void {
    const { index } = event
    if (index === -1) return
    event.index = -1
    const last = this.#heap.pop() as ScheduledEvent
    if (last === event) return
    this.#put(last, index)
    this.#rise(last)
    this.#sink(last)
  }

  /** Takes the first one out, if its time is `at` or earlier. */
  takeUntil(at: number): ScheduledEvent | undefined {
    const { first } = this
    if (first === undefined || first.at > at) return undefined
    this.remove(first)
    return first
  }

  #put(event: ScheduledEvent, index: number): void {
    this.#heap[index] = event
    event.index = index
  }

  #rise(event: ScheduledEvent): void {
    let { index } = event
    while (index > 0) {
      const above = this.#heap[(index - 1) >> 1] as ScheduledEvent
      if (!isBefore(event, above)) break
      this.#put(above, index)
      index = (index - 1) >> 1
    }
    this.#put(event, index)
  }

  #sink(event: ScheduledEvent): void {
    let { index } = event
    for (;;) {
      let below = this.#heap[2 * index + 1]
      const right = this.#heap[2 * index + 2]
      if (below !== undefined && right !== undefined && isBefore(right, below)) below = right
      if (below === undefined || !isBefore(below, event)) break
      const { index: place } = below
      this.#put(below, index)
      index = place
    }
    this.#put(event, index)
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
