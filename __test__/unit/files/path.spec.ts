/** What a path says by itself, beside Python's pathlib. */
import { execFileSync } from 'node:child_process'
import test from 'ava'
import fc from 'fast-check'
import { Path } from '../../../src/files/path.ts'

const QUESTIONS = ['parts', 'root', 'anchor', 'name', 'suffix', 'suffixes', 'stem'] as const
const SCRIPT = `
import json, pathlib, sys
answers = []
for segments in json.load(sys.stdin):
    path = pathlib.PurePosixPath(*segments)
    answers.append([str(path), str(path.parent), [str(each) for each in path.parents], path.is_absolute()] + [getattr(path, name) for name in ${JSON.stringify(QUESTIONS)}])
print(json.dumps(answers))
`

const segment = fc
  .array(fc.constantFrom('a', 'b.txt', '.', '..', '/', '//', '.git', 'x.tar.gz', 'ü'), { maxLength: 5 })
  .map((pieces) => pieces.join(''))
  // Of names with several dots at one end, the versions of Python have different opinions.
  .filter((text) => !/(^|\/)\.\.+[^/.]|\.(\/|$)/.test(text.replaceAll(/(^|(?<=\/))\.{1,2}(?=\/|$)/g, '')))

const check = process.platform === 'win32' ? test.skip : test

check('the pieces of a path are those that pathlib finds', (t) => {
  const samples = fc.sample(fc.array(segment, { maxLength: 3 }), 500)
  const input = JSON.stringify(samples)
  const answers = JSON.parse(execFileSync('python3', ['-c', SCRIPT], { input, encoding: 'utf8' })) as unknown[][]
  for (const [index, segments] of samples.entries()) {
    const path = new Path(...segments)
    const own = [path.toString(), path.parent.toString(), path.parents.map(String), path.isAbsolute()]
    t.deepEqual([...own, ...QUESTIONS.map((name) => path[name])], answers[index], JSON.stringify(segments))
  }
})

check('a path is changed into another one, and compared', (t) => {
  const path = new Path('/a/b', 'c.tar.gz')
  t.is(String(path.withName('d')), '/a/b/d')
  t.is(String(path.withStem('d')), '/a/b/d.gz')
  t.is(String(path.withSuffix('.zip')), '/a/b/c.tar.zip')
  t.is(String(path.withSuffix('')), '/a/b/c.tar')
  t.is(String(path.relativeTo('/a')), 'b/c.tar.gz')
  t.is(String(new Path('a').relativeTo('a')), '.')
  t.is(String(path.joinpath('/x', 'y')), '/x/y')
  t.true(path.equals(new Path('/a//b/./c.tar.gz')) && path.isRelativeTo('/a') && !path.isRelativeTo('/b'))
  t.true(path.match('*.gz') && path.match('b/c.*') && !path.match('a/c.*') && path.match('/a/?/c.tar.gz'))
  t.is(path.asUri(), 'file:///a/b/c.tar.gz')
  t.is(String(new Path(new URL('file:///a%20b'))), '/a b')
  t.is(JSON.stringify({ path }), '{"path":"/a/b/c.tar.gz"}')
  for (const name of ['', '.', 'a/b', '..']) t.throws(() => path.withName(name), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => new Path('/').withName('x'), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => path.relativeTo('/x'), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => path.withSuffix('zip'), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => new Path('a\0'), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => new Path(1 as never), { code: 'ERR_INVALID_ARG_TYPE' })
})
