/** Our own entrants: the same server on each backend and driver asked for, and what they are compared with. */
import { structio, type StructioOptions } from '../servers/catalogue.ts'
import type { Entrant, Metric, Scenario, Target } from './scenario.ts'

export interface VariantOptions {
  /** Backends and drivers to measure; the first is the one that the targets are about. */
  readonly variants: readonly Variant[]
  /** The entry of another build of the library, to measure this one against. */
  readonly otherBuild?: string | undefined
}

export type Variant = 'native' | 'thread' | 'node'

export const VARIANTS: Readonly<Record<Variant, StructioOptions>> = {
  native: { backend: 'native', driver: 'nested' },
  thread: { backend: 'native', driver: 'thread' },
  node: { backend: 'node' },
}

/** What entrants of one scenario have in common, or differ in. */
export interface Manner {
  /** Told in the label, where one scenario has several of ours. */
  readonly suffix?: string
  readonly server?: Omit<StructioOptions, 'backend' | 'driver'>
}

export function entrantsOf(
  variants: readonly Variant[],
  work: string,
  { suffix = '', server = {} }: Manner = {},
): Entrant[] {
  return variants.map((variant) => ({
    id: idOf(variant, suffix),
    label: `structio (${variant})${suffix === '' ? '' : `, ${suffix}`}`,
    program: structio({ ...VARIANTS[variant], ...server }),
    work,
  }))
}

export interface Expectation {
  readonly suffix?: string
  readonly metric?: Metric
  readonly atMost?: number
}

/** Every variant against one peer. The target is for the first; the others are shown against the same peer. */
export function targetsOf(
  variants: readonly Variant[],
  peer: Pick<Entrant, 'id'>,
  { suffix = '', metric = 'cpu', atMost }: Expectation = {},
): Target[] {
  return variants.map((variant, index) => ({
    entrant: idOf(variant, suffix),
    peer: peer.id,
    metric,
    ...(index === 0 && atMost !== undefined ? { atMost } : {}),
  }))
}

/** Where there is another build: every entrant of ours once more, from that one, and a comparison with it. */
export function besideOtherBuild(
  scenarios: (entry?: string) => Scenario[],
  { variants: [first], otherBuild }: VariantOptions,
): Scenario[] {
  const these = scenarios()
  if (otherBuild === undefined || first === undefined) return these
  const others = scenarios(otherBuild)
  return these.map((scenario, index) => {
    const theirs = (others[index]?.entrants ?? []).filter(({ id }) => id.startsWith(idOf(first, '')))
    const entrants = theirs.map((entrant) => ({
      ...entrant,
      id: `other-${entrant.id}`,
      label: `${entrant.label}, other build`,
    }))
    const targets = theirs.map(({ id }): Target => ({ entrant: id, peer: `other-${id}`, metric: 'cpu' }))
    return {
      ...scenario,
      entrants: [...scenario.entrants, ...entrants],
      targets: [...scenario.targets, ...targets],
    }
  })
}

function idOf(variant: Variant, suffix: string): string {
  return `structio-${variant}${suffix === '' ? '' : `-${suffix}`}`
}
