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

/** `undefined` where the host only imitates Node and has no report. */
function reportHeader(): { glibcVersionRuntime?: string } | undefined {
  const report = (process as Partial<NodeJS.Process>).report
  return (report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined)?.header
}
