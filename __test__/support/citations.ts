/**
 * Citations of rules (`SCOPE-7`, docs/reference/rules.md) and of cases (`S22`, docs/reference/cases.md). Pure functions
 * of path → text, so that a test can plant a wrong citation and see that it is found.
 */
import ts from 'typescript'
import type { Sources } from './source-graph.ts'

/** Words of that shape that are no rules: encodings, algorithms, protocols. */
const OTHERS = /^(?:AES|CVE|ISO|RFC|SHA|SSH|UTF|MD)-/

/** Citations that no page of the project answers. */
const STALE: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bapi\.md\b/, 'cite a rule of docs/reference/rules.md'],
  [/\bconformance(?:\.md\b| [A-Z]\d{1,3}\b)/, 'cite a case of docs/reference/cases.md'],
  [/\bamendments?\b/i, 'cite a rule of docs/reference/rules.md'],
  // Rules of an RFC are numbered as well.
  [/\brules? \d+\b(?!.{0,20}\bRFC\b)/i, 'cite a rule by its name, such as SCOPE-7'],
]

/** The names that docs/reference/rules.md defines: `- **SCOPE-7** …`. */
export function ruleNames(page: string): string[] {
  return [...page.matchAll(/^- \*\*([A-Z]{3,}-\d+)\*\*/gm)].map((match) => match[1]!)
}

/** The numbers that docs/reference/cases.md defines: `| S22 | … |`. */
export function caseNumbers(page: string): string[] {
  return [...page.matchAll(/^\| ([A-Z]\d{1,3}) \|/gm)].map((match) => match[1]!)
}

/** Rules cited in a text that do not exist, one line for each. */
export function unknownRules(sources: Sources, rules: readonly string[]): string[] {
  return linesOf(sources).flatMap(({ at, line }) =>
    [...line.matchAll(/(?<![\w-])[A-Z]{3,}-\d+(?![\w.])/g)]
      .map(([name]) => name)
      .filter((name) => !OTHERS.test(name) && !rules.includes(name))
      .map((name) => `${at} cites ${name}, which rules.md does not have`),
  )
}

/** Cases cited in a text ("case S22", "cases S22 and S23") that do not exist, one line for each. */
export function unknownCases(sources: Sources, cases: readonly string[]): string[] {
  return linesOf(sources).flatMap(({ at, line }) =>
    [...line.matchAll(/\bcases? ([A-Z]\d{1,3}(?:(?:, | and | to )[A-Z]\d{1,3})*)\b/g)]
      .flatMap((match) => match[1]!.split(/, | and | to /))
      .filter((number) => !cases.includes(number))
      .map((number) => `${at} cites ${number}, which cases.md does not have`),
  )
}

/** Citations of pages that the project does not hold, and of rules by a bare number; one line for each. */
export function staleCitations(sources: Sources): string[] {
  return linesOf(sources).flatMap(({ at, line }) =>
    STALE.flatMap(([pattern, instead]) => {
      const found = pattern.exec(line)
      return found === null ? [] : [`${at} cites "${found[0]}": ${instead}`]
    }),
  )
}

/** Files and folders in backticks, from the root of the project, that do not exist; one line for each. */
export function missingPaths(sources: Sources, exists: (path: string) => boolean): string[] {
  return linesOf(sources).flatMap(({ at, line }) =>
    [...line.matchAll(/`((?:src|crates|scripts|__test__|bench|docs|examples)\/[\w./-]*)`/g)]
      .map((match) => match[1]!)
      .filter((path) => !exists(path))
      .map((path) => `${at} names ${path}, which does not exist`),
  )
}

/**
 * The cases that titles of tests begin with: `S22` of `test('S22: …', …)`, `` eachBackend(test, `S22: ${how}`, …) ``. A
 * title is a string among the arguments of a call whose last argument is a function.
 */
export function testedCases(file: string, text: string): string[] {
  // Parsing takes long, and most files have no case.
  if (!/['"`][A-Z]\d{1,3}[:,] /.test(text)) return []
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isFunction(node.arguments.at(-1))) {
      for (const argument of node.arguments) found.push(...casesOf(textOf(argument)))
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** What is wrong between the titles of tests and cases.md: a case on one side alone, or a number defined twice. */
export function caseMismatches(tested: readonly string[], cases: readonly string[]): string[] {
  return [
    ...[...new Set(tested)].filter((number) => !cases.includes(number)).map((number) => `${number} has no row`),
    ...cases.filter((number) => !tested.includes(number)).map((number) => `${number} has no test`),
    ...cases.filter((number, index) => cases.indexOf(number) !== index).map((number) => `${number} has two rows`),
  ].sort()
}

function isFunction(node: ts.Node | undefined): boolean {
  return node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node))
}

function textOf(node: ts.Node): string {
  if (ts.isStringLiteralLike(node)) return node.text
  return ts.isTemplateExpression(node) ? node.head.text : ''
}

function casesOf(title: string): string[] {
  return /^([A-Z]\d{1,3}(?:, [A-Z]\d{1,3})*): /.exec(title)?.[1]?.split(', ') ?? []
}

function linesOf(sources: Sources): { at: string; line: string }[] {
  return [...sources].flatMap(([file, text]) =>
    text.split('\n').map((line, index) => ({ at: `${file}:${index + 1}`, line })),
  )
}
