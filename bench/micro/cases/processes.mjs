// Child processes beside node:child_process: what starting one and waiting for it costs this process, how that grows with its memory,
// and what a MiB through `cat` does. The CPU time of the children is not in it.

import { once } from 'node:events'

const PROGRAM = '/bin/true'

/** Bytes that this process holds when it is large: a server's cache. */
const LARGE = 512 * 1024 * 1024

const MIB = Buffer.alloc(1024 * 1024, 'x')

const structio =
  (make, held = 0) =>
  async () => {
    const library = await import('structio')
    const block = make(library)
    return (operations, watch) => library.run(() => blocks(block, operations, watch, held), { backend: 'native' })
  }

const childProcess =
  (make, held = 0) =>
  async () => {
    const block = make(await import('node:child_process'))
    return (operations, watch) => blocks(block, operations, watch, held)
  }

async function blocks(block, operations, watch, held) {
  // Touched, so that it is there.
  const memory = Buffer.alloc(held, 1)
  while (watch.wantsMore()) {
    watch.start()
    await block(operations)
    watch.stop()
  }
  return memory.length
}

const run =
  ({ runProcess }) =>
  async (operations) => {
    for (let done = 0; done < operations; done += 1) await runProcess([PROGRAM])
  }

const spawn =
  ({ spawn }) =>
  async (operations) => {
    for (let done = 0; done < operations; done += 1) await once(spawn(PROGRAM), 'close')
  }

const throughCat =
  ({ createTaskGroup, openProcess }) =>
  (operations) =>
    openProcess(['cat'], async ({ stdin, stdout }) => {
      await createTaskGroup(async (group) => {
        group.spawn(async () => {
          for (let done = 0; done < operations; done += 1) await stdin.sendAll(MIB)
          await stdin.close()
        })
        for await (const chunk of stdout) void chunk
      })
    })

const throughCatOfNode =
  ({ spawn }) =>
  async (operations) => {
    const child = spawn('cat')
    child.stdout.resume()
    for (let done = 0; done < operations; done += 1) if (!child.stdin.write(MIB)) await once(child.stdin, 'drain')
    child.stdin.end()
    await once(child, 'close')
  }

export const processes = {
  'process-spawn': {
    operations: 100,
    subjects: { structio: structio(run), 'child-process': childProcess(spawn) },
  },
  'process-spawn-large': {
    operations: 50,
    subjects: { structio: structio(run, LARGE), 'child-process': childProcess(spawn, LARGE) },
  },
  'process-cat': {
    operations: 64,
    subjects: { structio: structio(throughCat), 'child-process': childProcess(throughCatOfNode) },
  },
}
