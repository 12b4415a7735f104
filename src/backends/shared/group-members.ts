/**
 * Whether a process group has living members. Signal 0 does not tell, because it also reaches zombies, and a zombie
 * stays until its parent reaps it (the parent may be this process, as process 1). Linux reports the state of each
 * process.
 */
import { readdir, readFile } from 'node:fs'
import { detached } from '../../kernel/index.ts'

/** Number of processes that are read at once. Each takes a thread of libuv. */
const AT_ONCE = 4

export class GroupMembers {
  readonly #group: number
  /** A member that was alive at the previous survey. */
  #known: string | undefined

  /** @param group - the number of the group */
  constructor(group: number) {
    this.#group = group
  }

  /** Surveys the processes. Answers once, later. The answer is true where the system does not tell. */
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
      // It has ended meanwhile.
      answer(error === null && isLivingMember(text, this.#group))
    })
  }
}

/**
 * Reads a line of `/proc/…/stat`: number, name in parentheses, state, parent, group; 15 fields later the number of
 * threads.
 */
function isLivingMember(text: string, group: number): boolean {
  const [state, , theirs, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (Number(theirs) !== group) return false
  // A process whose first thread has ended is alive while it has other threads.
  return !/^[ZXx]$/.test(state ?? '') || Number(rest[THREADS]) > 1
}

const THREADS = 14
