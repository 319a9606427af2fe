import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Host } from '../fleet/host.ts'

/** Files of a package, from `/` on. */
export type Packages = ReadonlyMap<string, readonly string[]>

/** One folder that becomes a store path. */
export interface Part {
  readonly name: string
  readonly files: readonly string[]
}

/** Time for a few hundred megabytes on a busy machine. */
export const LONG = { timeoutMs: 600_000 }

/** The files below `/usr` and `/etc` that dpkg's lists name; what a host has made for itself, such as its keys, is in none. */
export function packagesIn(root: string): Packages {
  const lists = join(root, 'var/lib/dpkg/info')
  const found = new Map<string, readonly string[]>()
  for (const list of readdirSync(lists).filter((name) => name.endsWith('.list'))) {
    const files = readFileSync(join(lists, list), 'utf8').split('\n')
    const isFile = (file: string) => lstatSync(join(root, file), { throwIfNoEntry: false })?.isFile() === true
    const own = files.filter((file) => /^\/(?:usr|etc)\//.test(file) && isFile(file)).sort()
    if (own.length > 0) found.set(list.replace(/(?::[a-z0-9]+)?\.list$/, ''), own)
  }
  return found
}

/** Divides packages into exactly so many parts, none with files of two packages, all of about the same number of files. */
export function divide(packages: Packages, parts: number): Part[] {
  const shares = [...packages].map(([name, files]) => ({ name, files, share: 1 }))
  const most = () => shares.reduce((a, b) => (b.files.length / b.share > a.files.length / a.share ? b : a))
  for (let given = shares.length; given < parts; given++) most().share++
  return shares.flatMap(({ name, files, share }) =>
    Array.from({ length: share }, (_, i) => {
      const [from, to] = [i, i + 1].map((at) => Math.floor((at * files.length) / share))
      return { name: `${name}-part-${i}`, files: files.slice(from, to) }
    })
  )
}

/**
 * Adds each part to the store of a host, where its files have the names that they had: what is known to be published is known by
 * its name. Returns a store path that refers to all of them.
 */
export async function addCorpus(host: Host, parts: readonly Part[]): Promise<string> {
  const folder = join(host.root, 'root/corpus')
  for (const { name, files } of parts) {
    for (const file of files) {
      const copy = join(folder, name, file)
      mkdirSync(dirname(copy), { recursive: true })
      copyFileSync(join(host.root, file), copy)
    }
  }
  const added = await host.must(['sh', '-c', 'ls -d /root/corpus/* | xargs nix-store --add'], LONG)
  rmSync(folder, { recursive: true })
  const paths = added.trim().split('\n')
  if (new Set(paths).size !== parts.length)
    throw new Error(`${new Set(paths).size} store paths of ${parts.length}`)
  const list = paths.map((path) => `    (builtins.storePath ${path})\n`).join('')
  const expression = `derivation {
  name = "corpus"; system = builtins.currentSystem; builder = "/bin/sh";
  args = [ "-c" "/bin/cp \\"$pathsPath\\" \\"$out\\"" ];
  passAsFile = [ "paths" ];
  paths = [\n${list}  ];\n}\n`
  writeFileSync(join(host.root, 'root/corpus.nix'), expression)
  return (await host.must(['nix-build', '--no-out-link', '/root/corpus.nix'], LONG)).trim()
}
