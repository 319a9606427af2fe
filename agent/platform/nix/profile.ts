import { lstat, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { GenerationRef } from '../../../shared/api/schemas.ts'
import { mustRun, runCommand } from '../../../shared/command.ts'
import { syncDirectory } from '../../../shared/durable-write.ts'
import { BelayError } from '../../../shared/errors.ts'
import { ignoreMissing } from './generations.ts'

/** Creating a generation waits for a garbage collection that runs. */
const timeoutMs = 120_000
/** As root without NIX_REMOTE, Nix opens the store itself: works with the Nix daemon stopped. */
const env = { NIX_REMOTE: '' }

/**
 * Refuses a path that the store does not know as valid, or whose closure is not all there: `path-not-valid`. Nix answers
 * from its database; each path is looked for on the disk as well.
 */
export async function assertComplete(storePath: string): Promise<void> {
  const at = 'storePath'
  const query = ['nix-store', '--query', '--requisites', storePath]
  const { code, stdout, stderr } = await runCommand(query, { timeoutMs, env, maxOutput: 64 * 1024 * 1024 })
  if (code !== 0) {
    const found = stderr.trim().slice(0, 500)
    const wanted = 'a valid store path; copy it here first'
    throw new BelayError('path-not-valid', `${storePath} is not valid in this store`, { found, wanted, at })
  }
  const closure = stdout.trim().split('\n')
  const there = await Promise.all(closure.map((path) => lstat(path).catch(ignoreMissing(null))))
  const missing = closure.filter((_, i) => there[i] === null)
  if (missing.length === 0) return
  const text = `${storePath} is not complete: ${missing.length} of ${closure.length} paths of its closure are gone`
  throw new BelayError('path-not-valid', text, { found: missing.slice(0, 5), wanted: 'every path', at })
}

/** Points the profile to a path, in a new generation where there is none with that number. */
export async function setProfile(profile: string, storePath: string): Promise<void> {
  await mustRun(['nix-env', '--profile', profile, '--set', storePath], { timeoutMs, env })
  await syncDirectory(dirname(profile)) // Nix renames the link and leaves it at that
}

/** Points the profile back to a recorded generation: by its number while that still names the path. */
export async function restoreProfile(profile: string, to: GenerationRef): Promise<void> {
  const link =
    to.number === null ? null : await readlink(`${profile}-${to.number}-link`).catch(ignoreMissing(null))
  if (link !== to.storePath) return setProfile(profile, to.storePath)
  await replaceLink(`${profile.slice(profile.lastIndexOf('/') + 1)}-${to.number}-link`, profile)
}

/** Deletes generation links by number, never by age. Their systems stay until the next garbage collection. */
export async function deleteGenerations(profile: string, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0) return
  const argv = ['nix-env', '--profile', profile, '--delete-generations', ...numbers.map(String)]
  await mustRun(argv, { timeoutMs, env })
  await syncDirectory(dirname(profile))
}

/** Keeps a path from the garbage collector under a name of ours, in place of what had that name. */
export async function addRoot(directory: string, name: string, storePath: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await syncDirectory(dirname(directory)) // the first root makes the folder
  await replaceLink(storePath, join(directory, name))
}

/** Gives a path up to the garbage collector. */
export async function removeRoot(directory: string, name: string): Promise<void> {
  await rm(join(directory, name), { force: true })
}

/** Makes a link, in place of what had its name, durably and in one step. */
export async function replaceLink(target: string, link: string): Promise<void> {
  const temporary = `${link}.belay`
  await rm(temporary, { force: true })
  await symlink(target, temporary)
  await rename(temporary, link)
  await syncDirectory(dirname(link))
}
