/** A queue with an amortised constant cost for `push` and `shift`. It keeps no reference to a taken value. */
export class Deque<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes the first value. The queue must not be empty. */
  shift(): T {
    const item = this.#items[this.#head] as T
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head >= SMALL && this.#head * 2 >= this.#items.length) {
      // Half of the array is free. Moving the rest costs each item one move in total.
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** The first value, which stays. The queue must not be empty. */
  get first(): T {
    return this.#items[this.#head] as T
  }

  *[Symbol.iterator](): Generator<T> {
    for (let place = this.#head; place < this.#items.length; place++) yield this.#items[place] as T
  }

  clear(): void {
    // A small array is kept, because channels fill and empty all the time. A large one gives its memory back.
    if (this.#items.length > SMALL) this.#items = []
    else this.#items.length = 0
    this.#head = 0
  }
}

/** Arrays up to this length are neither compacted nor replaced. */
const SMALL = 32
