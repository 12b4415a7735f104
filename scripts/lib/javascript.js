/**
 * `dist/`: what the package runs, a few files made of many. Node takes some 0.3 ms to find, read and link a module, so that
 * two hundred of them would be three quarters of the time that `import 'structio'` takes.
 *
 *   dist/index.js, testing.js, …   the package's entries: the first only names what it exports, the others have in them what
 *                                  they add to it
 *   dist/internal/                 what index.js needs, in one chunk, but for what programs of worker threads need, too;
 *                                  these programs, and the addon's loader
 *
 * Entries share their chunks, and so their classes. Chunks lie in one folder below `dist/`, as the modules they were made
 * of lie in folders below `src/`: what a module says of its surroundings (`./binding.cjs` is beside it, the library is in
 * the folder above) stays true.
 */
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { must } from './command.js'
import { binOf, inRoot, readJson } from './project.js'

/** Where tsc leaves the modules. */
const compiled = inRoot('target', 'javascript')

export async function buildJavascript() {
  rmSync(compiled, { recursive: true, force: true })
  await must(process.execPath, [binOf('typescript', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', compiled])
  rmSync(inRoot('dist'), { recursive: true, force: true })
  await rollUp()
  // What is not TypeScript: the addon and the loader that napi generates.
  for (const name of readdirSync(inRoot('src', 'native'))) {
    if (/\.(node|cjs)$/.test(name)) cpSync(inRoot('src', 'native', name), inRoot('dist', 'internal', name))
  }
}

async function rollUp() {
  // Imported here and not above: this module is loaded before the first install.
  const { rollup } = await import('rollup')
  const programs = new Set()
  const bundle = await rollup({
    input: entries(),
    external: /^node:/,
    plugins: [programsOfWorkers(programs)],
    onwarn: (warning) => {
      // tsc's helper for `using` asks whether `this` has one already; in a module it has not.
      if (warning.code === 'THIS_IS_UNDEFINED') return
      throw new Error(warning.message)
    },
  })
  const [ofMain, ofPrograms] = [new Set(), new Set()]
  await bundle.write({
    dir: inRoot('dist'),
    format: 'es',
    // Names and imports stay where a reader of a stack looks for them.
    minifyInternalExports: false,
    hoistTransitiveImports: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'internal/[name].js',
    manualChunks: (id, { getModuleInfo }) => {
      if (ofMain.size === 0) {
        reach(join(compiled, 'index.js'), getModuleInfo, ofMain)
        for (const program of programs) reach(program, getModuleInfo, ofPrograms)
      }
      if (!ofMain.has(id) || getModuleInfo(id).isEntry) return undefined
      return ofPrograms.has(id) ? 'common' : 'structio'
    },
  })
  await bundle.close()
}

/** The package's entries, as its manifest names them: `./dist/testing.js` is made of `src/testing/index.ts`. */
function entries() {
  const files = Object.values(readJson('package.json').exports).flatMap((target) => target.default ?? [])
  return Object.fromEntries(
    files.map((file) => {
      const name = basename(file, '.js')
      return [name, join(compiled, name === 'index' ? 'index.js' : `src/${name}/index.js`)]
    }),
  )
}

/** Collects the modules that one imports, and those that they import. */
function reach(id, getModuleInfo, found) {
  if (found.has(id)) return
  found.add(id)
  const { importedIds = [], dynamicallyImportedIds = [] } = getModuleInfo(id) ?? {}
  for (const next of [...importedIds, ...dynamicallyImportedIds]) reach(next, getModuleInfo, found)
}

/**
 * `new URL('./worker.js', import.meta.url)` in a module names a program that is run by itself: it becomes a file beside the
 * chunks, by the same name.
 */
function programsOfWorkers(programs) {
  const pattern = /new URL\((['"])(\.{1,2}\/[^'"]+\.js)\1, import\.meta\.url\)/g
  return {
    name: 'programs-of-workers',
    transform(code, id) {
      let found = false
      const changed = code.replace(pattern, (whole, quote, path) => {
        const program = resolve(dirname(id), path)
        // An example in a comment.
        if (!existsSync(program)) return whole
        found = true
        programs.add(program)
        const name = relative(join(compiled, 'src'), program).replaceAll(sep, '-')
        this.emitFile({ type: 'chunk', id: program, fileName: `internal/${name}` })
        // Hidden from bundlers, which would copy the file without what it imports.
        return `new URL('./${name}', String(import.meta.url))`
      })
      return found ? { code: changed, map: null } : null
    },
  }
}
