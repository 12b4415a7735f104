import { listenToSignal } from './foreign.ts'

/** What few scopes have: a foreign signal that cancels them, a signal of their own, a name. */
export class Extras {
  readonly foreign: AbortSignal | undefined
  readonly name: string | undefined
  controller: AbortController | undefined
  #unlisten: (() => void) | undefined

  constructor(foreign: AbortSignal | undefined, name: string | undefined) {
    this.foreign = foreign
    this.name = name
  }

  listen(listener: () => void): void {
    this.#unlisten = listenToSignal(this.foreign!, listener)
  }

  unlisten(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
  }
}
