/** A bar for each comparison: its ratio, the spread over the rounds, the target, and the line where both are equal. */
import type { Ratio } from './statistics.ts'

export interface Bar {
  readonly label: string
  readonly versus: string
  readonly ratio: Ratio
  readonly target?: number | undefined
  readonly met?: boolean | undefined
}

const WIDTH = 960
const LABELS = 470
const RIGHT = 60
const ROW = 30
const TOP = 64
const PLOT = WIDTH - LABELS - RIGHT

export function chart(title: string, subtitle: string, bars: readonly Bar[]): string {
  const largest = Math.max(1, ...bars.map(({ ratio, target }) => Math.max(ratio.median, target ?? 0)))
  const scale = Math.min(Math.ceil(largest * 5) / 5 + 0.1, 4)
  const x = (value: number) => LABELS + (Math.min(value, scale) / scale) * PLOT
  const height = TOP + bars.length * ROW + 40
  const bottom = TOP + bars.length * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">
<style>
  .paper { fill: #fff } text { fill: #1f2328 } .quiet { fill: #656d76 }
  .met { fill: #2da44e } .missed { fill: #cf222e } .plain { fill: #8c959f }
  .spread { stroke: #1f2328; stroke-opacity: .55 } .grid { stroke: #d0d7de } .even { stroke: #656d76; stroke-dasharray: 4 3 }
  .target { stroke: #1f2328; stroke-width: 3 }
</style>
<rect class="paper" width="${WIDTH}" height="${height}"/>
<text x="16" y="26" font-size="16" font-weight="600">${escape(title)}</text>
<text x="16" y="46" class="quiet">${escape(subtitle)}</text>
${ticks(scale)
  .map((value) => grid(x(value), bottom, value))
  .join('\n')}
<line class="even" x1="${fixed(x(1))}" x2="${fixed(x(1))}" y1="${TOP - 6}" y2="${bottom}"/>
${bars.map((bar, row) => drawBar(bar, TOP + row * ROW, x)).join('\n')}
</svg>
`
}

function drawBar({ label, versus, ratio, target, met }: Bar, top: number, x: (value: number) => number): string {
  const middle = top + ROW / 2
  const kind = met === undefined ? 'plain' : met ? 'met' : 'missed'
  const mark =
    target === undefined
      ? ''
      : `<line class="target" x1="${fixed(x(target))}" x2="${fixed(x(target))}" y1="${top + 3}" y2="${top + ROW - 3}"/>`
  return `<text x="${LABELS - 10}" y="${middle - 1}" text-anchor="end">${escape(label)}</text>
<text x="${LABELS - 10}" y="${middle + 11}" text-anchor="end" class="quiet" font-size="10">${escape(versus)}</text>
<rect class="${kind}" x="${LABELS}" y="${top + 7}" width="${fixed(x(ratio.median) - LABELS)}" height="${ROW - 14}" rx="2"/>
<line class="spread" x1="${fixed(x(ratio.lowest))}" x2="${fixed(x(ratio.highest))}" y1="${middle}" y2="${middle}"/>
${mark}<text x="${fixed(Math.max(x(ratio.median), x(ratio.highest)) + 6)}" y="${middle + 4}">${ratio.median.toFixed(2)}</text>`
}

function grid(x: number, bottom: number, value: number): string {
  return `<line class="grid" x1="${fixed(x)}" x2="${fixed(x)}" y1="${TOP - 6}" y2="${bottom}"/>
<text class="quiet" x="${fixed(x)}" y="${bottom + 16}" text-anchor="middle" font-size="10">${value}</text>`
}

function ticks(scale: number): number[] {
  const step = scale > 2 ? 0.5 : 0.25
  return Array.from({ length: Math.floor(scale / step) + 1 }, (_, index) => index * step)
}

function fixed(value: number): string {
  return value.toFixed(1)
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
