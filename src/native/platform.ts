/** Which platform this is, in the words of the packages that carry binaries. */

/** The package that carries the addon for this platform, as napi-rs names it. */
export function platformPackage(): string {
  const suffix = { linux: isMusl() ? '-musl' : '-gnu', win32: '-msvc' }[process.platform as string] ?? ''
  return `structio-${process.platform}-${process.arch}${suffix}`
}

/** The version of the C library, where that is glibc. */
export function glibcVersion(): string | undefined {
  return reportHeader()?.glibcVersionRuntime
}

function isMusl(): boolean {
  const header = reportHeader()
  return process.platform === 'linux' && header !== undefined && header.glibcVersionRuntime === undefined
}

interface ReportHeader {
  readonly glibcVersionRuntime?: string
}

/** Made once: a report asks for everything there is, names of peers among it. */
let header: ReportHeader | undefined

/** `undefined` where the host only imitates Node and has no report. */
function reportHeader(): ReportHeader | undefined {
  const report = (process as Partial<NodeJS.Process>).report
  return (header ??= (report?.getReport() as { header?: ReportHeader } | undefined)?.header)
}
