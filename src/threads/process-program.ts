/** The program of a child process of `runInProcess`. The first message is the task, the last one its outcome. */
import { isCloneFailure, notCloneable, TO_PROCESS } from './cloning.ts'
import { packError } from './crossing.ts'
import { explain, load } from './program.ts'
import { ANSWER, type ProcessAnswer, type ProcessJob } from './process-wire.ts'

process.once('message', (job: ProcessJob) => void run(job))
// The parent is gone.
process.once('disconnect', () => process.exit())

async function run({ task, args }: ProcessJob): Promise<void> {
  let answer: ProcessAnswer
  try {
    const fn = await load(task, { names: {} })
    answer = [ANSWER, true, await fn(...args)]
  } catch (error) {
    answer = [ANSWER, false, packError(explain(error, task), 'what the function threw')]
  }
  send(answer)
}

function send(answer: ProcessAnswer): void {
  try {
    process.send!(answer, () => process.exit())
  } catch (error) {
    if (!isCloneFailure(error)) throw error
    const what = answer[1] ? 'what the function returned' : 'what the function threw'
    send([ANSWER, false, packError(notCloneable(what, answer[2], TO_PROCESS), '')])
  }
}
