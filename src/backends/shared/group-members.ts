/**
 * Whether a process group still has members that live. A signal 0 does not tell: zombies count there, and one whose parent does not
 * reap it stays for ever (its parent may be this process, where that is process 1). Linux says what each process is.
 */
import { readdir, readFile } from 'node:fs'
import { detached } from '../../kernel/index.ts'

/** Processes looked at at once: each look takes a thread of libuv's. */
const AT_ONCE = 4

export class GroupMembers {
  readonly #group: number
  /** A member that lived at the look before. */
  #known: string | undefined

  /** @param group - its number */
  constructor(group: number) {
    this.#group = group
  }

  /** Looks at the processes there are. Answers once and later; true where the system does not tell. */
  look(answer: (living: boolean) => void): void {
    const known = this.#known
    if (known === undefined) detached(() => this.#lookAtAll(answer))
    else
      detached(() =>
        this.#isLivingMember(known, (living) => {
          if (living) answer(true)
          else this.#lookAtAll(answer)
        }),
      )
  }

  #lookAtAll(answer: (living: boolean) => void): void {
    readdir('/proc', (error, names) => {
      const numbers = error === null ? names.filter((name) => /^\d+$/.test(name)) : []
      if (numbers.length === 0) return answer(true)
      let at = 0
      let open = 0
      let answered = false
      const next = (): void => {
        while (open < AT_ONCE && at < numbers.length && !answered) {
          const number = numbers[at++] as string
          open++
          this.#isLivingMember(number, (living) => {
            open--
            if (answered) return
            if (living) this.#known = number
            if (living || (open === 0 && at === numbers.length)) {
              answered = true
              answer(living)
            } else next()
          })
        }
      }
      next()
    })
  }

  #isLivingMember(number: string, answer: (living: boolean) => void): void {
    readFile(`/proc/${number}/stat`, 'latin1', (error, text) => {
      // It has gone meanwhile.
      answer(error === null && isLivingMember(text, this.#group))
    })
  }
}

/** Reads a line of `/proc/…/stat`: number, name in parentheses, state, parent, group; 15 fields later the number of threads. */
function isLivingMember(text: string, group: number): boolean {
  const [state, , theirs, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (Number(theirs) !== group) return false
  // Where the first thread has ended and others have not, the process lives.
  return !/^[ZXx]$/.test(state ?? '') || Number(rest[THREADS]) > 1
}

const THREADS = 14
