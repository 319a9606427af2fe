import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { RebootCause, RebootNeed } from '../../../shared/api/reboot.ts'
import { BelayError } from '../../../shared/errors.ts'
import { ignoreMissing } from '../nix/generations.ts'

/** Longest value of a cause that is shown. */
const SHOWN = 200

/**
 * What only a reboot brings when `from`, which runs, is left for `to`; `booted` is what the kernel came from. Sources:
 * switch-to-configuration-ng (init interface, switch inhibitors) and NixOS's own rule for automatic upgrades, which
 * compares links; from 26.05 a generation names its `reboot-triggers` itself.
 */
export async function rebootNeed(from: string, to: string, booted: string | null): Promise<RebootNeed> {
  const [required, recommended] = await Promise.all([refusals(from, to), laterParts(booted ?? from, to)])
  const causes = [...required, ...recommended].sort((a, b) => (a.what < b.what ? -1 : 1))
  return { required: required.length > 0, recommended: causes.length > 0, causes }
}

/** Why switch-to-configuration would refuse, or give up with exit code 100. */
async function refusals(from: string, to: string): Promise<RebootCause[]> {
  const init = await compareText('init-interface-version', from, to)
  const [before, after] = await Promise.all([from, to].map((path) => readTable(path, 'switch-inhibitors')))
  // It compares what both name: a key that came or went inhibits nothing.
  const inhibitors = Object.keys(after ?? {})
    .filter((key) => before?.[key] !== undefined && before[key] !== after?.[key])
    .map((key) => cause(`switch inhibitor ${key}`, before?.[key], after?.[key]))
  return [...init, ...inhibitors]
}

/** Parts of the generation that run only after the next boot. */
async function laterParts(booted: string, to: string): Promise<RebootCause[]> {
  const [before, after] = await Promise.all([booted, to].map((path) => readTable(path, 'reboot-triggers')))
  if (before && after) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys]
      .filter((key) => before[key] !== after[key])
      .map((key) => cause(key, before[key], after[key]))
  }
  const links = ['kernel', 'kernel-modules', 'initrd', 'firmware', 'systemd']
  const found = await Promise.all([
    ...links.map((name) => compareLink(name, booted, to)),
    compareText('kernel-params', booted, to)
  ])
  return found.flat()
}

async function compareLink(what: string, from: string, to: string): Promise<RebootCause[]> {
  const resolve = (path: string) => realpath(join(path, what)).catch(ignoreMissing(null))
  return differing(what, ...(await Promise.all([resolve(from), resolve(to)])))
}

async function compareText(what: string, from: string, to: string): Promise<RebootCause[]> {
  const read = async (path: string) =>
    (await readFile(join(path, what), 'utf8').catch(ignoreMissing(null)))?.trim() ?? null
  return differing(what, ...(await Promise.all([read(from), read(to)])))
}

function differing(what: string, from: string | null, to: string | null): RebootCause[] {
  return from === to ? [] : [cause(what, from, to)]
}

function cause(what: string, from: string | null | undefined, to: string | null | undefined): RebootCause {
  const shown = (text: string | null | undefined) => text?.slice(0, SHOWN) ?? null
  return { what: what.slice(0, SHOWN), from: shown(from), to: shown(to) }
}

/** A JSON object of strings in a generation; null where there is none. What is not that refuses the generation. */
async function readTable(path: string, name: string): Promise<Record<string, string> | null> {
  const file = join(path, name)
  const text = await readFile(file, 'utf8').catch(ignoreMissing(null))
  if (text === null) return null
  try {
    const table: unknown = JSON.parse(text)
    if (typeof table !== 'object' || table === null || Array.isArray(table)) throw new Error('no object')
    return Object.fromEntries(
      Object.entries(table).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : JSON.stringify(value)
      ])
    )
  } catch (cause) {
    const wanted = 'a JSON object'
    throw new BelayError('not-a-system', `${file} is not ${wanted}`, { cause, at: file, wanted })
  }
}
