/** Medians, and ratios that stay within a round. */

/** Differences below this are a tie on a shared machine. */
export const TIE = 0.1

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2
}

export interface Ratio {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/**
 * The ratio of two subjects, taken within each round and then the median of the rounds: what slows the machine down for a
 * minute slows both, and cancels.
 */
export function pairedRatio(ours: readonly number[], peers: readonly number[]): Ratio {
  const ratios = ours.slice(0, peers.length).map((value, round) => value / at(peers, round))
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) }
}

export type Standing = 'ahead' | 'tie' | 'behind'

/** Lower is better, for everything that is compared here. */
export function standing(ratio: number): Standing {
  if (Math.abs(ratio - 1) < TIE) return 'tie'
  return ratio < 1 ? 'ahead' : 'behind'
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN
}
