/** Names this platform as the packages with binaries do. */

/** The package with the addon for this platform, by napi-rs's naming. */
export function platformPackage(): string {
  const suffix = { linux: isMusl() ? '-musl' : '-gnu', win32: '-msvc' }[process.platform as string] ?? ''
  return `structio-${process.platform}-${process.arch}${suffix}`
}

/** The version of glibc; `undefined` with another C library. */
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

/** Made once: a report is slow, because it collects everything, even the names of peers. */
let header: ReportHeader | undefined

/** `undefined` where the host only imitates Node and has no report. */
function reportHeader(): ReportHeader | undefined {
  const report = (process as Partial<NodeJS.Process>).report
  return (header ??= (report?.getReport() as { header?: ReportHeader } | undefined)?.header)
}
