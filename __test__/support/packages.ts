/** The scripts that pack, install and check, with types. They are plain JavaScript, because they run before anything is built. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestFn } from 'ava'

export interface Platform {
  readonly triple: string
  readonly target: string
  readonly os: string
  readonly cpu: string
  readonly libc?: string
}

export interface Outcome {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** A folder of a stranger's (scripts/lib/installs.js). */
export interface Folder {
  readonly folder: string
  write(files: Record<string, string>): void
  run(file: string, args: readonly string[], env?: Record<string, string>): Promise<Outcome>
  add(...args: string[]): Promise<Outcome>
  node(args: readonly string[], env?: Record<string, string>): Promise<Outcome>
  close(): void
}

export interface Registry {
  readonly url: string
  close(): Promise<void>
}

interface Scripts {
  'platforms.js': {
    PLATFORMS: readonly Platform[]
    GLIBC_FLOOR: string
    hostPlatform(): Platform | undefined
    packageName(platform: Platform): string
    binaryName(platform: Platform): string
  }
  'binary.js': {
    readBinary(bytes: Buffer): { os: string; cpu: string; libc?: string; glibc?: string } | undefined
    compareVersions(a: string, b: string): number
  }
  'pack.js': {
    pack(options: { artifacts?: string; into: string }): Promise<string[]>
    npmPack(folder: string, into: string): Promise<string>
  }
  'installs.js': {
    MANAGERS: Record<string, object>
    openFolder(options: { manager?: string; registry?: string; node?: string }): Folder
  }
  'stranger.js': {
    registryOf(tarballs: readonly string[]): Promise<Registry>
    visit(folder: Folder, options?: { types?: boolean }): Promise<void>
  }
  'release.js': { findProblems(folder: string, options?: { tag?: string }): string[] }
  'system-calls.js': {
    buildMisbehaving(): Promise<void>
    checkHarmless(seed: number, extent: 'short' | 'whole'): Promise<{ passed: number; failed: number }>
  }
  'tar.js': { readTarball(bytes: Buffer): Map<string, Buffer> }
}

export async function script<Name extends keyof Scripts>(name: Name): Promise<Scripts[Name]> {
  return (await import(new URL(`../../scripts/lib/${name}`, import.meta.url).href)) as Scripts[Name]
}

/** A folder for the tests of a spec, gone when they are done. */
export function folderForAll(test: TestFn): string {
  const folder = mkdtempSync(join(tmpdir(), 'structio-packaging-'))
  test.after.always(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
