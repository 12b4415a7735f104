/** Python's own `open`, beside `aopen`: the same operations on the same file, and what each of them says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { aopen, type OpenOptions } from '../../src/files.ts'
import type { AsyncFile } from '../../src/files/async-file.ts'

/** A method and its arguments. `mark` remembers a position, `goto` seeks to a remembered one. Bytes are strings of Latin-1. */
export type FileOperation = readonly [name: string, ...args: unknown[]]

export interface FileJob {
  readonly path: string
  readonly mode: string
  readonly options: OpenOptions
  readonly operations: readonly FileOperation[]
}

export type FileResult = { readonly value: unknown } | { readonly error: string }

/** One Python process, which carries out one job after another. */
export class PythonFiles implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #lines: Interface

  constructor() {
    const script = fileURLToPath(new URL('python_files.py', import.meta.url))
    this.#process = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#process.stdout! })
  }

  async carryOut(job: FileJob): Promise<{ results: FileResult[]; content: string }> {
    const { encoding, errors, newline, bufferSize } = job.options
    const options = {
      ...(encoding === undefined ? {} : { encoding }),
      ...(errors === undefined ? {} : { errors }),
      ...(newline === undefined ? {} : { newline }),
      ...(bufferSize === undefined ? {} : { buffering: bufferSize }),
    }
    // The whole of text, as the tests of this library run where the locale is unknown.
    if (!job.mode.includes('b')) options.encoding ??= 'utf-8'
    this.#process.stdin!.write(`${JSON.stringify({ ...job, options })}\n`)
    const [line] = (await once(this.#lines, 'line')) as [string]
    return JSON.parse(line) as { results: FileResult[]; content: string }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin!.end()
    await once(this.#process, 'exit')
  }
}

/** The same by `aopen`. */
export async function carryOut({ path, mode, options, operations }: FileJob): Promise<FileResult[]> {
  const binary = mode.includes('b')
  await using file = (await aopen(path, mode, options)) as AsyncFile<string | Buffer>
  const places: number[] = []
  const results: FileResult[] = []
  for (const operation of operations) {
    try {
      results.push({ value: plain(await step(file, operation, places, binary)) })
    } catch (error) {
      results.push({ error: kind(error as Error & { code?: string }) })
    }
  }
  return results
}

async function step(
  file: AsyncFile<string | Buffer>,
  [name, ...args]: FileOperation,
  places: number[],
  binary: boolean,
): Promise<unknown> {
  switch (name) {
    case 'write':
      return file.write(given(args[0], binary))
    case 'writelines':
      return file.writelines((args[0] as string[]).map((item) => given(item, binary)))
    case 'readinto':
    case 'readinto1': {
      const view = Buffer.alloc(args[0] as number)
      return [await file[name](view), view]
    }
    case 'mark': {
      const place = await file.tell()
      places.push(place)
      return binary ? place : null
    }
    case 'goto':
      await file.seek(places.length === 0 ? 0 : places[(args[0] as number) % places.length]!)
      return null
    default: {
      const method = (file as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[name]!
      const result = await method.apply(file, args)
      return name === 'seek' && !binary && args.length > 1 ? null : result
    }
  }
}

function given(value: unknown, binary: boolean): string & Buffer {
  return (binary ? Buffer.from(value as string, 'latin1') : value) as string & Buffer
}

function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  if (Array.isArray(value)) return value.map(plain)
  return value ?? null
}

function kind(error: Error & { code?: string }): string {
  if (error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'decode'
  if (error.code === 'ERR_UNSUPPORTED') return 'unsupported'
  if (error.code === 'ERR_OUT_OF_RANGE' && error.message.includes('represent')) return 'encode'
  return 'bad'
}
