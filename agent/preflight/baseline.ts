import { readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runCommand } from '../../shared/command.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import { ignoreMissing, readGenerations } from '../platform/nix/generations.ts'
import { assertComplete } from '../platform/nix/profile.ts'
import { verifyClosure } from '../platform/nix/verify-closure.ts'
import type { Finding, Subject } from './check.ts'
import { check, fail, pass, unknown, warn } from './check.ts'

/** What was seen of the running system. */
export interface Kept {
  readonly running: string | null
  /** What is missing of it. */
  readonly incomplete: string | null
  readonly hashed: { readonly code: number | null; readonly said: string; readonly whole: boolean } | null
  /** Links that keep it from the garbage collector. */
  readonly roots: readonly string[]
}

/** The running system is all there, unchanged, and kept: it is what everything comes back to. */
export const baseline = check({
  name: 'baseline',
  limitSeconds: 900,
  look: async (subject, signal): Promise<Kept> => {
    const { running } = subject.seen
    if (running === null) return { running, incomplete: null, hashed: null, roots: [] }
    const incomplete = await assertComplete(running).then(
      () => null,
      (error: unknown) => {
        if (codeOf(error) === 'path-not-valid') return describeError(error)
        throw error
      }
    )
    const whole = subject.settings.preflight.hashBaseline
    const hashed = incomplete === null ? await hash(running, whole, signal) : null
    return { running, incomplete, hashed, roots: await rootsOf(running, subject) }
  },
  judge: judgeBaseline
})

export function judgeBaseline({ running, incomplete, hashed, roots }: Kept): Finding {
  const remedy = `nix-store --repair-path, or nix store verify --repair --recursive ${running ?? ''}`.trim()
  if (running === null)
    return fail('path-not-valid', 'there is no baseline to come back to', 'boot a NixOS system')
  if (incomplete !== null) {
    const text = `the running system is damaged; nothing could be rolled back to: ${incomplete}`
    return fail('baseline-broken', text, remedy)
  }
  if (hashed === null || hashed.code === null) return unknown('its hash could not be told')
  // Of --verify-path 1 is any failure; of nix store verify 1 is corruption, and 4 alone is another trouble.
  if (hashed.code !== 0 && hashed.whole && (hashed.code & 1) === 0)
    return unknown(`nix store verify ended with ${hashed.code}: ${hashed.said}`)
  if (hashed.code !== 0)
    return fail('baseline-broken', `the running system is damaged: ${hashed.said}`, remedy)
  const how = hashed.whole ? 'every path has its hash' : 'complete, its top level has its hash'
  if (roots.length === 0)
    return warn(`${how}; no root keeps it from the garbage collector`, 'an activation roots it by itself')
  return pass(`${how}; rooted by ${roots.slice(0, 2).join(', ')}`)
}

async function hash(running: string, whole: boolean, signal: AbortSignal) {
  const { code, stderr, timedOut } = await (whole
    ? verifyClosure(running, ['--no-trust'], { timeoutMs: 890_000, signal })
    : runCommand(['nix-store', '--verify-path', running], {
        timeoutMs: 60_000,
        env: { NIX_REMOTE: '' },
        signal
      }))
  return { code: timedOut ? null : code, said: stderr.trim().split('\n').at(-1) ?? '', whole }
}

/** Of the roots those that are likely; a search of all reads every process's memory map. */
async function rootsOf(running: string, { settings }: Subject): Promise<readonly string[]> {
  const { profile, gcRootsDirectory } = settings
  const generations = await readGenerations(profile)
  const links = generations
    .filter(({ storePath }) => storePath === running)
    .map(({ number }) => `${profile}-${number}-link`)
  const ours = await readdir(gcRootsDirectory).catch(ignoreMissing<string[]>([]))
  const others = [
    ...ours.map((name) => join(gcRootsDirectory, name)),
    join(dirname(gcRootsDirectory), 'current-system')
  ]
  const kept = await Promise.all(
    others.map(async (link) => ((await realpath(link).catch(ignoreMissing(null))) === running ? link : null))
  )
  return [...links, ...kept.filter((link) => link !== null)]
}
