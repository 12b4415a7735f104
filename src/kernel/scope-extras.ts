/** What few scopes have: a foreign signal that cancels them, a signal of their own, a name. */
export class Extras {
  readonly foreign: AbortSignal | undefined
  readonly name: string | undefined
  controller: AbortController | undefined
  #listener: (() => void) | undefined

  constructor(foreign: AbortSignal | undefined, name: string | undefined) {
    this.foreign = foreign
    this.name = name
  }

  listen(listener: () => void): void {
    this.#listener = listener
    this.foreign!.addEventListener('abort', listener)
  }

  unlisten(): void {
    if (this.#listener === undefined) return
    this.foreign!.removeEventListener('abort', this.#listener)
    this.#listener = undefined
  }
}
