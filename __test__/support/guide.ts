/**
 * The code on the pages of the guide, as programs.
 *
 * The words behind ```ts say what a test does with a snippet; no renderer shows them:
 *
 *     ```ts run                     ends by itself, with exit code 0 and nothing on stderr
 *     ```ts run exit=1              … or with this exit code
 *     ```ts run warns=CODE          … or with this warning of the library on stderr, and no other
 *     ```ts run peer=echo:7000      has this peer (`guide-peers.ts`) at the port 7000
 *     ```ts server echo             listens, survives hostile clients, and serves a good one (`guide-clients.ts`) of this kind
 *     ```ts module work             a module beside the page's other snippets: `./work.js`
 *     ```ts compile <why>           is compiled only, and why that is
 *
 * A comment `<!-- ts server echo -->` above a block that says ```ts alone does the same.
 *
 * The block ```text output behind a snippet is what it prints; `…` stands for anything.
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { folder, type Owner } from './programs.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Inside the project, so that the package's own name and its development dependencies resolve as for a user. */
const target = `${root}target/guide/`

export interface Snippet {
  readonly page: string
  /** Line of the page where the code begins. */
  readonly line: number
  /** The first word behind `ts`: what a test does with the snippet. */
  readonly mode: string
  readonly words: readonly string[]
  readonly text: string
  /** What it is expected to print. */
  readonly output: string | undefined
  /** The file that it is compiled from, and, with `.js` in place of `.ts`, to. */
  readonly file: string
}

export const PAGES = [
  ...readdirSync(`${root}docs/guide`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/guide/${name}`),
  'docs/porting-from-anyio.md',
  'README.md',
]

export const pageText = (page: string): string => readFileSync(root + page, 'utf8')

export interface Block {
  readonly line: number
  readonly info: readonly string[]
  readonly text: string
  readonly end: number
}

/** All fenced blocks of a page, with the words of their info strings. */
export function blocksOf(page: string): Block[] {
  const text = pageText(page)
  return [...text.matchAll(/(?:^<!-- (ts [^\n]*) -->\n\n)?^```([^\n]*)\n(.*?)^```$/gms)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length + (match[1] === undefined ? 1 : 3),
    info: (match[1] ?? match[2]!).split(' ').filter((word) => word !== ''),
    text: match[3]!,
    end: match.index + match[0].length,
  }))
}

export function snippetsOf(page: string): Snippet[] {
  const blocks = blocksOf(page)
  const folder = target + page.replace(/\.md$/, '').replaceAll('/', '-')
  return blocks.flatMap(({ line, info: [language, mode = '', ...words], text }, i) => {
    if (language !== 'ts') return []
    const next = blocks[i + 1]?.info.join(' ') === 'text output' ? blocks[i + 1] : undefined
    const name = mode === 'module' ? words[0] : `line-${line}`
    return [{ page, line, mode, words, text, output: next?.text, file: `${folder}/${name}.ts` }]
  })
}

/** The compiler options that README tells its reader to set. */
export function readmeOptions(): Record<string, unknown> {
  const block = blocksOf('README.md').find(({ info }) => info.join(' ') === 'json tsconfig')
  return (JSON.parse(block!.text) as { compilerOptions: Record<string, unknown> }).compilerOptions
}

/**
 * Compiles all snippets in one program, as the project of a user who has followed README and has the current types of Node.
 * Writes the JavaScript beside the snippets, and gives the errors of the compiler, by page.
 */
export function compileSnippets(snippets: readonly Snippet[]): Map<string, string[]> {
  rmSync(target, { recursive: true, force: true })
  for (const { file, text } of snippets) {
    mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true })
    writeFileSync(file, text)
  }
  const { options, errors } = ts.convertCompilerOptionsFromJson(
    // The target is that of the oldest Node, which runs the snippets.
    { ...readmeOptions(), strict: true, noUnusedLocals: true, skipLibCheck: true, target: 'es2022' },
    root,
  )
  const host = compilerHostWithNode26(options)
  const program = ts.createProgram(
    snippets.map(({ file }) => file),
    options,
    host,
  )
  const complaints = new Map<string, string[]>()
  for (const diagnostic of [...errors, ...ts.getPreEmitDiagnostics(program)]) {
    const snippet = snippets.find(({ file }) => file === diagnostic.file?.fileName)
    const page = snippet?.page ?? PAGES[0]!
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')
    const at =
      snippet === undefined
        ? (diagnostic.file?.fileName ?? '')
        : `${page}:${snippet.line + diagnostic.file!.getLineAndCharacterOfPosition(diagnostic.start!).line}`
    complaints.set(page, [...(complaints.get(page) ?? []), `${at} ${message}`])
  }
  const files = new Set(snippets.map(({ file }) => file))
  for (const source of program.getSourceFiles()) if (files.has(source.fileName)) program.emit(source)
  return complaints
}

/**
 * Imports of Node's types resolve to the current ones, which are installed under the name `types-node-26`: the project itself is
 * compiled with those of the oldest Node that it supports.
 */
function compilerHostWithNode26(options: ts.CompilerOptions): ts.CompilerHost {
  const host = compilerHost(options, root)
  const current = {
    primary: true,
    resolvedFileName: `${root}node_modules/types-node-26/index.d.ts`,
    isExternalLibraryImport: true,
  }
  host.resolveTypeReferenceDirectiveReferences = (references, containing, redirected, all) =>
    references.map((reference) => {
      const name = typeof reference === 'string' ? reference : reference.fileName
      if (name === 'node') return { resolvedTypeReferenceDirective: current }
      return ts.resolveTypeReferenceDirective(name, containing, all, host, redirected)
    })
  return host
}

/** The compiler's errors for a separate project, in a new folder, with the package and the current types of Node installed. */
export function compileProject(t: Owner, config: object, files: Readonly<Record<string, string>>): string[] {
  const at = realpathSync(folder(t))
  const modules = join(at, 'node_modules')
  mkdirSync(join(modules, '@types'), { recursive: true })
  symlinkSync(root, join(modules, 'structio'), 'junction')
  symlinkSync(join(root, 'node_modules/types-node-26'), join(modules, '@types/node'), 'junction')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(at, name), text)
  writeFileSync(join(at, 'package.json'), '{ "type": "module" }')
  const { options, fileNames, errors } = ts.parseJsonConfigFileContent(config, ts.sys, at)
  // Symbolic links stand for what is installed.
  const program = ts.createProgram(
    fileNames,
    { ...options, noEmit: true, preserveSymlinks: true },
    compilerHost(options, at),
  )
  return [...errors, ...ts.getPreEmitDiagnostics(program)].map(({ file, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, ' ')
    return file === undefined ? message : `${file.fileName.replace(`${at}/`, '')}: ${message}`
  })
}

function compilerHost(options: ts.CompilerOptions, folder: string): ts.CompilerHost {
  const host = ts.createCompilerHost(options, true)
  host.getCurrentDirectory = () => folder
  return host
}
