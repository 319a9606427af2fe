import { join } from 'node:path'
import { readStoreFile } from '../nix/store-file.ts'

/** A script of which more is read by nobody, and a line by which none is judged. */
const MAX_BYTES = 4 * 1024 * 1024
const MAX_LINE = 4096

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
}

const machinePrograms = ['nvram', 'scutil', 'systemsetup', 'pmset', 'networksetup']

/** Reads the script of a system, line by line; a word in quotes counts without them. */
export function readEffects(activate: string): Effects {
  // Made by others: a line without end is not to keep the agent busy.
  const all = activate.split('\n').map((line) => line.slice(0, MAX_LINE))
  const lines = all.filter((line) => !/^\s*(#|echo\b|printf\b)/.test(line))
  const defaults = new Map<string, string>()
  const machine = new Set<string>()
  let homebrew = false
  let homebrewRemoves = false
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
  }
  return { homebrew, homebrewRemoves, defaults, machine: [...machine].sort() }
}

const bare = (word: string) => word.replace(/["']/g, '')

/** The same of a system in the store. */
export async function effectsOf(storePath: string): Promise<Effects> {
  return readEffects((await readStoreFile(join(storePath, 'activate'), MAX_BYTES)) ?? '')
}

/** What of it an activation that broke off has begun, by what it said. */
export function begunBy(output: string, effects: Effects): readonly string[] {
  return effects.homebrew && /homebrew/i.test(output) ? ['Homebrew'] : []
}
