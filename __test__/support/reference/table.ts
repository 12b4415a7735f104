/** The reference and the porting table: which items there are, and which of them the table has a row for. */
import { readFileSync } from 'node:fs'

/** Every item of the reference. */
export const items: readonly string[] = readFileSync(new URL('./items.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

export interface Row {
  readonly item: string
  /** Whether the table says that it is here. */
  readonly here: boolean
}

/** What stands in the first column of the porting table, up to the additions, item by item. */
export function rowsOf(markdown: string): Row[] {
  const [reference] = markdown.split(/^## Additions$/m)
  return reference!
    .split('\n')
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .filter((cells) => cells.length === 6 && /^(here|later)/.test(cells[4]!))
    .flatMap(([, cell, , , state]) => itemsOf(cell!).map((item) => ({ item, here: state === 'here' })))
}

/** Items without a row. */
export function missingRows(markdown: string): string[] {
  const rows = new Set(rowsOf(markdown).map(({ item }) => item))
  return items.filter((item) => !rows.has(item))
}

/**
 * `Class`: `one` `two`, words        Class.one, Class.two, "Class words"
 * `Class.one`, words                 Class.one, "Class words"
 * `function(parameters)`             function
 * words                              the words
 */
function itemsOf(cell: string): string[] {
  // An item of AnyIO 4 alone.
  if (cell === '–') return []
  const spans = [...cell.matchAll(/`([^`]*)`/g)]
    .map(([, text]) => text!.replace(/\(.*/s, ''))
    .filter((name) => name !== '')
  const words = cell
    .replace(/`[^`]*`/g, ',')
    .replace(/\([^)]*\)/g, '')
    .split(/[,:]/)
    .map((text) => text.trim())
    .filter((text) => text !== '')
  if (spans.length === 0) return [cell]
  const [first, ...others] = spans as [string, ...string[]]
  if (/^`\w+`:/.test(cell))
    return [...others.map((name) => `${first}.${name}`), ...words.map((text) => `${first} ${text}`)]
  const owner = first.split('.')[0]!
  return [...spans, ...(first.includes('.') ? words.map((text) => `${owner} ${text}`) : [])]
}
