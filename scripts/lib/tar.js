/** Reads the tarballs that npm makes: plain files with short names. */
import { gunzipSync } from 'node:zlib'

const BLOCK = 512

/** The files of a tarball, by their path below `package/`. */
export function readTarball(bytes) {
  const tar = gunzipSync(bytes)
  const files = new Map()
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const field = (from, length) => tar.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '')
    const size = parseInt(field(124, 12), 8)
    const [name, prefix] = [field(0, 100), field(345, 155)]
    const path = prefix === '' ? name : `${prefix}/${name}`
    files.set(path.replace(/^package\//, ''), tar.subarray(at + BLOCK, at + BLOCK + size))
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}
