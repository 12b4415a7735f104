/** A queue of values: what is taken leaves no hole behind, and costs the same however many follow. */
export class Deque<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The first. There must be one. */
  shift(): T {
    const item = this.#items[this.#head] as T
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head >= SMALL && this.#head * 2 >= this.#items.length) {
      // Half of it is free: moving the rest costs each item one move in all.
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** The first, which stays. There must be one. */
  get first(): T {
    return this.#items[this.#head] as T
  }

  *[Symbol.iterator](): Generator<T> {
    for (let place = this.#head; place < this.#items.length; place++) yield this.#items[place] as T
  }

  clear(): void {
    // A small array is kept: the usual channel fills and empties all the time. A large one gives its memory back.
    if (this.#items.length > SMALL) this.#items = []
    else this.#items.length = 0
    this.#head = 0
  }
}

/** So many places are never copied or given up. */
const SMALL = 32
