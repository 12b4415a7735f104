/** A server under test: started for a set of works, asked to stop, and held to what it promised. */
import { describeExit, JsonProcess, type Command } from './process.ts'

/** A way to start a server; `command` says in words why it cannot be started here. */
export interface Program {
  readonly name: string
  command(works: readonly string[]): Command | Missing | Promise<Command | Missing>
}

export interface Missing {
  readonly missing: string
}

export interface ServerOptions {
  /** How many files the server may have open. */
  readonly descriptors?: number | undefined
  /** Node's own CPU profile is written to this folder when the server ends. */
  readonly profileTo?: string | undefined
}

export interface Ended {
  /** The last line the server wrote, which tells how it ended, where it tells. */
  readonly last: Record<string, unknown> | undefined
}

const STOP_PATIENCE = 15_000

export class Server {
  readonly #process: JsonProcess
  readonly #ports: Readonly<Record<string, number>>
  /** The server's own process, which its shell has become. */
  readonly pid: number

  private constructor(process: JsonProcess, ports: Readonly<Record<string, number>>, pid: number) {
    this.#process = process
    this.#ports = ports
    this.pid = pid
  }

  static async start(program: Program, works: readonly string[], options: ServerOptions = {}): Promise<Server> {
    const command = await program.command(works)
    if ('missing' in command) throw new Error(`${program.name}: ${command.missing}`)
    const child = new JsonProcess(program.name, withProfile(command, options.profileTo), options.descriptors)
    const line = await child.next()
    if (line?.['event'] !== 'listening') {
      child.kill()
      throw child.failure(`did not start: ${describeExit(await child.exited)}`)
    }
    return new Server(child, line['ports'] as Record<string, number>, line['pid'] as number)
  }

  address(work: string): string {
    const port = this.#ports[work]
    if (port === undefined) throw new Error(`${this.#process.title} does not serve ${work}`)
    return `127.0.0.1:${port}`
  }

  /** Asks the server to end. A server that warned of something has not ended well. */
  async stop(): Promise<Ended> {
    this.#process.tell('stop')
    const patience = setTimeout(() => this.#process.kill(), STOP_PATIENCE)
    const exit = await this.#process.exited
    clearTimeout(patience)
    if (exit.code !== 0) throw this.#process.failure(`did not stop as asked: ${describeExit(exit)}`)
    if (this.#process.complaints !== '') throw this.#process.failure('complained')
    return { last: await this.#process.next() }
  }

  kill(): void {
    this.#process.kill()
  }
}

function withProfile(command: Command, folder: string | undefined): Command {
  if (folder === undefined || command.file !== process.execPath) return command
  return { ...command, args: ['--cpu-prof', `--cpu-prof-dir=${folder}`, ...command.args] }
}
