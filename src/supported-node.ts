/**
 * Says at once what would show as something odd much later. `engines` in package.json says the same, but npm only warns.
 *
 * Imported for its effect, by what everything else imports.
 */
const OLDEST = [20, 19] as const

const version = process.versions.node
const [major = 0, minor = 0] = version.split('.').map(Number)
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  throw new Error(`structio needs Node ${OLDEST.join('.')} or later, and this is ${version}`)
}
