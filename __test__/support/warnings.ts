/** Process warnings of the library, as they come. */
import { WARNINGS, type WarningCode } from '../../src/kernel/warnings.ts'

export interface Told {
  readonly code: string
  readonly message: string
}

/** Collects warnings of the library from now on. */
export function collectWarnings(): { readonly told: Told[]; of(code: WarningCode): Told[]; stop(): void } {
  const told: Told[] = []
  const listener = (warning: Error & { code?: string }): void => {
    if (warning.code !== undefined && warning.code in WARNINGS)
      told.push({ code: warning.code, message: warning.message })
  }
  process.on('warning', listener)
  return {
    told,
    of: (code) => told.filter((one) => one.code === code),
    stop: () => void process.removeListener('warning', listener),
  }
}
