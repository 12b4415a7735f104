/** Tables, for a terminal and for Markdown, and the one place that says how a figure is written. */

export interface Column<Row> {
  readonly title: string
  readonly align?: 'left' | 'right'
  readonly cell: (row: Row) => string
}

export function textTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ cell }) => cell(row)))]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const pad = (line: readonly string[]) =>
    line
      .map((text, column) => padded(text, widths[column] ?? 0, columns[column]?.align))
      .join('  ')
      .trimEnd()
  const [head = [], ...body] = lines
  return [pad(head), widths.map((width) => '─'.repeat(width)).join('  '), ...body.map(pad)].join('\n')
}

export function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === 'right' ? '--:' : '---'))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row)))),
  ].join('\n')
}

export const NONE = '–'

export function microseconds(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 10_000 ? 1 : 2)} ms`
  return `${value.toFixed(value >= 100 ? 0 : 2)} µs`
}

export function perSecond(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(2)} M/s` : `${(value / 1e3).toFixed(1)} k/s`
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE
  return value >= 1 << 20 ? `${(value / (1 << 20)).toFixed(1)} MiB` : `${(value / 1024).toFixed(2)} KiB`
}

export function ratio(value: number): string {
  return Number.isNaN(value) ? NONE : value.toFixed(2)
}

function padded(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  return align === 'right' ? text.padStart(width) : text.padEnd(width)
}
