/**
 * The site: the pages of `docs/`, what was measured, and a reference made of the documented declarations, in `target/site`.
 *
 * The pages are written to be read in the repository. For the site they are copied with what its generator wants to know of
 * them (a title, and the pages below them, in the order in which their own text lists them), and without links to folders,
 * which a site cannot show.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { inRoot, root } from './project.js'

/** Pages with others below them, in the order of the site. The others are those that they link to in their own folder. */
const TOP = [
  'docs/guide/README.md',
  'docs/porting-from-anyio.md',
  'docs/architecture.md',
  'docs/reference/README.md',
  'docs/design/README.md',
  'bench/method.md',
]

/** Builds the site. Throws what the generator complains about: a broken link, or an export without documentation. */
export async function buildDocs() {
  const pages = copyPages(inRoot('target', 'pages'))
  // Imported here and not above: this module is loaded before the first install.
  const { Application, Comment, CommentTag, Converter } = await import('typedoc')
  const app = await Application.bootstrapWithPlugins(options(pages))
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    for (const module of context.project.children ?? []) {
      const sections = sectionsOf(module.name)
      for (const reflection of module.children ?? []) {
        reflection.comment ??= new Comment()
        const name = sections.get(reflection.name) ?? UNLISTED
        reflection.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: name }]))
      }
    }
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('the declarations do not compile')
  describeSetters(project)
  app.options.setValue('intentionallyNotDocumented', namesThatSayAll(project))
  app.validate(project)
  await app.generateOutputs(project)
  const { errorCount, warningCount } = app.logger
  if (errorCount + warningCount > 0) throw new Error(`${errorCount} errors and ${warningCount} warnings, see above`)
}

/** What the comments in a barrel put its names under: '// Task groups: a task ends before…' is the section 'Task groups'. */
function sectionsOf(module) {
  const barrel = module === 'structio' ? 'index.ts' : `${module.replace('structio', 'src')}/index.ts`
  const sections = new Map()
  let section = UNLISTED
  for (const part of readFileSync(inRoot(barrel), 'utf8').matchAll(
    /^\/\/ ([^:.\n]+).*$|^export (?:type )?\{([^}]+)\}/gm,
  )) {
    if (part[1] !== undefined) section = part[1]
    for (const name of part[2]?.matchAll(/(?:type )?(\w+)/g) ?? []) sections.set(name[1], section)
  }
  return sections
}

const UNLISTED = 'Named in signatures'

function options(pages) {
  return {
    name: 'structio',
    entryPoints: ['index.d.ts', 'testing.d.ts', 'node.d.ts'].map((path) => inRoot(path)),
    tsconfig: inRoot('tsconfig.docs.json'),
    // What signatures name and the package does not export is listed, too: a reader wants to know what it is.
    plugin: ['typedoc-plugin-missing-exports'],
    placeInternalsInOwningModule: true,
    readme: join(pages, 'README.md'),
    projectDocuments: TOP.map((path) => join(pages, path)),
    customCss: inRoot('docs', 'site.css'),
    out: inRoot('target', 'site'),
    basePath: root,
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    githubPages: true,
    headings: { readme: false, document: false },
    categorizeByGroup: false,
    categoryOrder: [...new Set([...sectionsOf('structio').values(), '*', UNLISTED])],
    sort: ['documents-first', 'source-order'],
    sortEntryPoints: false,
    navigation: { includeGroups: false, includeCategories: true, compactFolders: false },
    highlightLanguages: [
      'typescript',
      'javascript',
      'python',
      'rust',
      'json',
      'console',
      'sh',
      'toml',
      'css',
      'html',
      'tsx',
    ],
    validation: { notDocumented: true, notExported: true, invalidLink: true, rewrittenLink: true },
  }
}

/** What needs no sentence of its own: the `code` of an error, which is what its class is called. */
function namesThatSayAll(project) {
  const codes = Object.values(project.reflections).filter(
    ({ name, parent }) => name === 'code' && parent?.extendedTypes?.length > 0,
  )
  return codes.map((reflection) => reflection.getFullName())
}

/** A setter says what its getter says. */
function describeSetters(project) {
  for (const { setSignature, getSignature } of Object.values(project.reflections)) {
    if (setSignature !== undefined) setSignature.comment ??= getSignature?.comment?.clone()
  }
}

/** Copies every page, and what they show; gives the folder. */
function copyPages(to) {
  rmSync(to, { recursive: true, force: true })
  const pages = ['README.md', ...TOP.flatMap((path) => [path, ...below(path)])]
  for (const path of pages) {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    writeFileSync(join(to, path), forSite(path, pages))
  }
  for (const name of readdirSync(inRoot('bench', 'results'))) {
    if (name.endsWith('.svg')) cpSync(inRoot('bench', 'results', name), join(to, 'bench', 'results', name))
  }
  return to
}

/** The pages that a page stands above. */
function below(path) {
  if (path === 'bench/method.md') {
    const names = readdirSync(inRoot('bench', 'results')).filter((name) => name.endsWith('.md'))
    return names.map((name) => `bench/results/${name}`)
  }
  if (!path.endsWith('README.md')) return []
  const links = [...readFileSync(inRoot(path), 'utf8').matchAll(/\]\(([\w-]+\.md)\)/g)].map((match) => match[1])
  return [...new Set(links)].map((name) => join(dirname(path), name))
}

function forSite(path, pages) {
  const text = readFileSync(inRoot(path), 'utf8').replace(/^<!--.*?-->\n+/s, '')
  const title = TITLES[path] ?? /^# (.+)$/m.exec(text)[1]
  const children = below(path).map((child) => `  - ./${relative(dirname(path), child)}`)
  const front = [
    '---',
    `title: ${JSON.stringify(title)}`,
    ...(children.length > 0 ? ['children:', ...children] : []),
    '---',
    '',
  ]
  const body = text.replace(/\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)/g, (link, label, target) => {
    const at = join(dirname(path), target)
    if (pages.includes(at)) return link
    if (target.endsWith('.svg')) return link
    // A file or folder of the repository: its name says where it is.
    if (!existsSync(inRoot(at))) throw new Error(`${path} links to ${target}, which is not there`)
    return statSync(inRoot(at)).isDirectory() || !label.includes(target) ? label : `\`${at}\``
  })
  return path === 'README.md' ? body : front.join('\n') + body.replace(/^# .+$/m, `# ${title}`)
}

const TITLES = {
  'bench/method.md': 'Benchmarks',
  'bench/results/tcp.md': 'TCP',
  'bench/results/tls.md': 'TLS',
  'bench/results/drivers.md': 'The drivers',
}
