/**
 * The manifests of what is published: one for each platform, committed in `npm/`, and the package's own, which is that of
 * the repository without what only the repository needs.
 */
import { binaryName, describe, packageName, PLATFORMS } from './platforms.js'

/** The files of a platform's folder in `npm/`. The binary is added when the package is packed. */
export function platformFiles(platform, { version, license, engines }) {
  const { os, cpu, libc } = platform
  const manifest = {
    name: packageName(platform),
    version,
    description: `The native backend of structio for ${describe(platform)}`,
    license,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    main: binaryName(platform),
    files: [binaryName(platform)],
    engines,
    // Yarn's Plug'n'Play keeps packages in archives; a library has to be a file to be loaded.
    preferUnplugged: true,
  }
  const readme = [
    `# ${packageName(platform)}`,
    '',
    `The binary of structio's native backend for ${describe(platform)}. The package \`structio\` installs it by itself, as`,
    'an optional dependency; there is nothing to import here.',
    '',
  ].join('\n')
  return { 'package.json': `${JSON.stringify(manifest, undefined, 2)}\n`, 'README.md': readme }
}

/** What of the repository's manifest a user of the package needs. */
const PUBLISHED = [
  'name',
  'version',
  'description',
  'license',
  'type',
  'engines',
  'exports',
  'types',
  'files',
  'keywords',
]

/**
 * The manifest that is published. The platform packages stand in it and not in the repository's: there they would be
 * looked for at every `npm install`, and the version that is being worked on is in no registry.
 */
export function publishedManifest(manifest) {
  const optionalDependencies = PLATFORMS.map((platform) => [packageName(platform), manifest.version])
  return {
    ...Object.fromEntries(PUBLISHED.map((key) => [key, manifest[key]])),
    // Not kept in an archive by Yarn's Plug'n'Play: Node 20 does not `require` a module from there.
    preferUnplugged: true,
    // Exact: the package and its binary talk through shared memory, whose layout may change with any version.
    optionalDependencies: Object.fromEntries(optionalDependencies),
  }
}
