// How the harness talks to a server, whatever it is written in:
//
//   command line   --work NAME,NAME      one port for each
//   stdout         {"event":"listening","pid":…,"ports":{NAME:…}}     then, as the last line,
//                  {"event":"ended",…}   where the server ends itself gracefully
//   stdin          "stop" ends it; so does the end of the input: no server outlives the harness
//
// The servers are plain JavaScript on purpose: what runs is what is written here. (A transpiler that keeps function
// names wraps every closure, and would charge the callback styles for it.)

import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

/** @param {Record<string, string>} [defaults] further flags, with their defaults */
export function readFlags(defaults = {}) {
  const options = Object.fromEntries(
    Object.entries({ work: '', ...defaults }).map(([name, value]) => [name, { type: 'string', default: value }]),
  )
  const { values } = parseArgs({ options })
  return { ...values, works: values.work.split(',').filter(Boolean) }
}

/** @param {string[]} works @param {Record<string, unknown>} table the work this server can do */
export function pickWorks(works, table) {
  const unknown = works.find((name) => !Object.hasOwn(table, name))
  if (works.length === 0 || unknown !== undefined) {
    throw new Error(`--work takes ${Object.keys(table).join(', ')}; got ${unknown ?? 'nothing'}`)
  }
  return works.map((name) => [name, table[name]])
}

/** @param {Record<string, number>} ports */
export function announce(ports) {
  say({ event: 'listening', pid: process.pid, ports })
}

/** @param {Record<string, unknown>} event */
export function say(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

/** Calls `stop` once, for the line "stop" or the end of the input. @param {() => void} stop */
export function onStop(stop) {
  const lines = createInterface({ input: process.stdin })
  let stopped = false
  const once = () => {
    if (stopped) return
    stopped = true
    lines.close()
    // An open pipe would keep a process alive that has nothing else left to do.
    process.stdin.destroy()
    stop()
  }
  lines.on('line', (line) => line.trim() === 'stop' && once())
  lines.on('close', once)
}
