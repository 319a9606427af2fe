import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ignoreMissing } from '../nix/generations.ts'

/** What the script of a system does that the script of another does not undo. */
export interface Effects {
  /** It drives Homebrew. */
  readonly homebrew: boolean
  /** Homebrew may also remove what is not listed, or upgrade what is there. */
  readonly homebrewRemoves: boolean
  /** Settings that it writes: the last text for each domain and key. */
  readonly defaults: ReadonlyMap<string, string>
  /** Firmware variables, names of the machine, power and time settings, by the program that sets them. */
  readonly machine: readonly string[]
  /** The user for whom it does what needs a session on the screen; null for nobody. */
  readonly primaryUser: string | null
}

const machinePrograms = ['nvram', 'scutil', 'systemsetup', 'pmset', 'networksetup']

/** Reads the script of a system, line by line; a word in quotes counts without them. */
export function readEffects(activate: string): Effects {
  const lines = activate.split('\n').filter((line) => !/^\s*(#|echo\b|printf\b)/.test(line))
  const defaults = new Map<string, string>()
  const machine = new Set<string>()
  let homebrew = false
  let homebrewRemoves = false
  let primaryUser: string | null = null
  for (const line of lines) {
    const [, domain, name, value = ''] =
      /\bdefaults\s+(?:-currentHost\s+)?(?:write|delete)\s+(\S+)\s+(\S+)(.*)$/.exec(line) ?? []
    if (domain && name) defaults.set(`${bare(domain)} ${bare(name)}`, value.trim())
    if (/\bbrew\b.*\bbundle\b/.test(line)) {
      homebrew = true
      homebrewRemoves ||= /--cleanup|--zap/.test(line)
    }
    for (const program of machinePrograms)
      if (new RegExp(`(^|[\\s/;&|])${program}\\s+[^|;]`).test(line)) machine.add(program)
    primaryUser ??=
      /\bsudo\s+(?:\S+\s+)*?(?:--user=|--user\s+|-u\s+)(\S+)/.exec(line)?.[1]?.replace(/^["']|["']$/g, '') ??
      null
  }
  return { homebrew, homebrewRemoves, defaults, machine: [...machine].sort(), primaryUser }
}

const bare = (word: string) => word.replace(/["']/g, '')

/** The same of a system in the store. */
export async function effectsOf(storePath: string): Promise<Effects> {
  return readEffects(await readFile(join(storePath, 'activate'), 'utf8').catch(ignoreMissing('')))
}

/** What of it an activation that broke off has begun, by what it said. */
export function begunBy(output: string, effects: Effects): readonly string[] {
  return effects.homebrew && /homebrew/i.test(output) ? ['Homebrew'] : []
}
