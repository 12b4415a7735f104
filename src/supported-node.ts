/**
 * Refuses a Node that is too old. Otherwise an obscure error would come later: npm only warns about `engines`.
 *
 * Imported for its effect by errors.ts, which every module imports.
 */
const OLDEST = [20, 19] as const

const version = process.versions.node
const [major = 0, minor = 0] = version.split('.').map(Number)
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  throw new Error(`structio needs Node ${OLDEST.join('.')} or later, and this is ${version}`)
}
