import { listenToSignal } from './foreign.ts'

/** Fields that few scopes need: a foreign signal that cancels the scope, a signal of its own, a name. */
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
