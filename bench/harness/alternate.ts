/**
 * Rounds in which the subjects take turns. Each round begins with another subject and every second one runs backwards, so
 * that none always comes first, last, or after the same neighbour.
 */
export async function alternate<S, M>(
  subjects: readonly S[],
  rounds: number,
  measureOne: (subject: S, round: number) => Promise<M>,
): Promise<Map<S, M[]>> {
  const results = new Map<S, M[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of orderOf(subjects, round)) {
      results.get(subject)?.push(await measureOne(subject, round))
    }
  }
  return results
}

export function orderOf<S>(subjects: readonly S[], round: number): S[] {
  const shift = subjects.length === 0 ? 0 : Math.floor(round / 2) % subjects.length
  const order = [...subjects.slice(shift), ...subjects.slice(0, shift)]
  return round % 2 === 0 ? order : order.reverse()
}
