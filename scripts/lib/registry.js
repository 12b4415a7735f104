/**
 * A package registry on the loopback interface that has a few tarballs and nothing else. Package managers install from it
 * as they do from the real one: they resolve optional dependencies by name and version, and choose by system, processor and
 * C library. Installing tarballs by their path would show neither.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { readTarball } from './tar.js'

/**
 * @param {string[]} tarballs
 * @param {object[]} [announced] manifests of packages that are listed and cannot be fetched: those of other platforms, which
 *   yarn insists on finding, and no manager may want to have
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function startRegistry(tarballs, announced = []) {
  const packages = new Map()
  const add = (manifest, bytes) => {
    const versions = packages.get(manifest.name) ?? new Map()
    packages.set(manifest.name, versions.set(manifest.version, { manifest, bytes }))
  }
  for (const manifest of announced) add(manifest, Buffer.alloc(0))
  for (const bytes of tarballs.map((path) => readFileSync(path))) {
    add(JSON.parse(readTarball(bytes).get('package.json').toString()), bytes)
  }
  const server = createServer((request, response) => answer(request, response, packages))
  await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(request, response, packages) {
  const [name, version] = decodeURIComponent(request.url.slice(1).split('?')[0]).split('/-/')
  const found = packages.get(name)
  if (found === undefined) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}')
  } else if (version !== undefined) {
    response.writeHead(200).end(found.get(version.replace(/\.tgz$/, '')).bytes)
  } else {
    const document = JSON.stringify(describe(name, found, request.headers.host))
    response.writeHead(200, { 'content-type': 'application/json' }).end(document)
  }
}

function describe(name, versions, host) {
  const all = [...versions].map(([version, { manifest, bytes }]) => {
    const hash = (algorithm, encoding) => createHash(algorithm).update(bytes).digest(encoding)
    const dist = {
      tarball: `http://${host}/${name}/-/${version}.tgz`,
      shasum: hash('sha1', 'hex'),
      integrity: `sha512-${hash('sha512', 'base64')}`,
    }
    return [version, { ...manifest, dist }]
  })
  const latest = all.at(-1)[0]
  // Some managers take nothing that was published in the last days.
  const time = Object.fromEntries(all.map(([version]) => [version, '2020-01-01T00:00:00.000Z']))
  return { name, 'dist-tags': { latest }, versions: Object.fromEntries(all), time }
}
