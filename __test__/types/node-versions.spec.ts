/**
 * The package as its consumers install it, against the types of every Node that is supported and every way of resolving
 * modules, with the library's own declarations checked too.
 */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../', import.meta.url))

const parsed = new Map<string, ts.SourceFile | undefined>()

/** `@types/node` of each major version, by the name under which it is installed. */
const TYPES_OF_NODE = new Map([
  [20, '@types/node'],
  [22, 'types-node-22'],
  [24, 'types-node-24'],
  [26, 'types-node-26'],
])

const RESOLUTIONS: readonly [string, ts.CompilerOptions][] = [
  ['nodenext', { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }],
  ['node16', { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 }],
  ['bundler', { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
]

const COMMON_JS = `
import { run, Stream, sleep, fromThread, type ServeOptions, type SocketStream, type TLSContext } from 'structio'
import { checkStream, type Sequencer } from 'structio/testing'
import { NodeSocket, toDuplex } from 'structio/node'
export const main: Promise<void> = run(() => sleep(1))
export class Own extends Stream {
  override receiveSome(): Promise<Buffer> { return Promise.resolve(Buffer.alloc(0)) }
  override sendAll(): Promise<void> { return Promise.resolve() }
  override sendEof(): Promise<void> { return Promise.resolve() }
  override close(): Promise<void> { return Promise.resolve() }
}
export const duplex = (stream: Stream): NodeSocket => toDuplex(stream)
export const options: ServeOptions<string> = { onError: (_, stream: SocketStream<string>) => void stream.remoteAddress.length }
export type Kept = [TLSContext, Sequencer]
void [checkStream, fromThread.checkCancelled, (stream: unknown): boolean => stream instanceof Stream]
// @ts-expect-error: a stream is no number of milliseconds
void sleep(new Own())
`

const MODULE = `
import { relay, type Stream, type ThreadTask } from 'structio'
import { toDuplex } from 'structio/node'
import { Own, duplex } from './consumer.cjs'
const own: Stream = new Own()
void relay(own, new Own())
void duplex(own)
void toDuplex(new Own())
export type Kept = ThreadTask<[number], string>
`

for (const [version, name] of TYPES_OF_NODE) {
  const resolutions = RESOLUTIONS.map(([resolution]) => resolution).join(', ')
  test(`the types compile with @types/node ${version}, under ${resolutions}, from CommonJS and ES modules`, (t) => {
    const folder = consumer(t, name)
    for (const [resolution, options] of RESOLUTIONS) t.deepEqual(compile(folder, options), [], resolution)
  })
}

test('a fault in the declarations of the library is seen', (t) => {
  const folder = consumer(t, '@types/node')
  const declarations = join(folder, 'node_modules/structio/node.d.ts')
  writeFileSync(declarations, `import { NoSuchType } from 'node:net'\n${ts.sys.readFile(declarations)}`)
  for (const [resolution, options] of RESOLUTIONS) {
    const complaints = compile(folder, options)
    t.is(complaints.length, 1, resolution)
    t.regex(complaints[0] ?? '', /NoSuchType/)
  }
})

/** A folder with the package as it is published and one `@types/node`. The folder's own package is CommonJS. */
function consumer(t: ExecutionContext, typesOfNode: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'structio-types-')))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'structio'), { recursive: true })
  mkdirSync(join(modules, '@types'))
  symlinkSync(join(root, 'node_modules', typesOfNode), join(modules, '@types/node'), 'junction')
  for (const entry of ['index', 'testing', 'node']) {
    for (const kind of ['d.ts', 'd.cts'])
      cpSync(`${root}${entry}.${kind}`, join(modules, 'structio', `${entry}.${kind}`))
  }
  cpSync(join(root, 'package.json'), join(modules, 'structio/package.json'))
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer" }')
  writeFileSync(join(folder, 'consumer.cts'), COMMON_JS)
  writeFileSync(join(folder, 'consumer.mts'), MODULE)
  return folder
}

function compile(folder: string, options: ts.CompilerOptions): string[] {
  const all: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    typeRoots: [join(folder, 'node_modules/@types')],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    ...options,
  }
  const host = ts.createCompilerHost(all, true)
  const { getSourceFile } = host
  host.getSourceFile = (path, ...rest) => {
    // Those of the compiler and of Node are large, and the same for each way of resolving.
    if (path.startsWith(folder)) return getSourceFile(path, ...rest)
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, ...rest))
    return parsed.get(path)
  }
  const names = ['consumer.cts', 'consumer.mts'].map((name) => join(folder, name))
  const program = ts.createProgram(names, all, host)
  // What the compiler's own libraries and Node's types have to complain about is not asked for: it takes most of the time.
  const files = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(folder))
  const diagnostics = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ]
  return diagnostics.map(({ file, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, ' ')
    return file === undefined ? message : `${file.fileName}: ${message}`
  })
}
