import type { UnitSettings } from './unit-file.ts'
import { readUnit, unitWords } from './unit-file.ts'

/** The unit directory of a generation, as it was read. */
export interface UnitFiles {
  /** Content by name; null for a masked unit. Names that are links to another name are in `aliases`. */
  readonly files: ReadonlyMap<string, string | null>
  /** Contents of the drop-ins by unit, in the order of their names. */
  readonly dropins: ReadonlyMap<string, readonly string[]>
  /** What is in `UNIT.wants` and `UNIT.requires`, by unit. */
  readonly pulls: ReadonlyMap<string, readonly string[]>
  readonly aliases: ReadonlyMap<string, string>
}

/** Answers questions about the units of a generation. Instances are found by their template. */
export class UnitTree {
  readonly #from: UnitFiles
  readonly #read = new Map<string, UnitSettings>()

  constructor(from: UnitFiles) {
    this.#from = from
  }

  /** Names of all units and templates, and of instances that only have drop-ins. */
  names(): readonly string[] {
    const instances = [...this.#from.dropins.keys()].filter((name) => templateOf(name) !== null)
    return [...new Set([...this.#from.files.keys(), ...instances])].filter((name) => this.has(name))
  }

  has(unit: string): boolean {
    return typeof this.#file(unit) === 'string'
  }

  /** Whether it has a file of its own, masked or not: then no template counts. */
  hasOwnFile(unit: string): boolean {
    return this.#from.files.has(unit)
  }

  hasDropins(unit: string): boolean {
    return this.#from.dropins.has(unit)
  }

  /** Its settings; none for what is not there. */
  settings(unit: string): UnitSettings {
    const known = this.#read.get(unit)
    if (known) return known
    const dropinsOf = (name: string | null) => (name === null ? [] : (this.#from.dropins.get(name) ?? []))
    const template = this.hasOwnFile(unit) ? null : templateOf(unit)
    const settings = readUnit([this.#file(unit) ?? '', ...dropinsOf(template), ...dropinsOf(unit)])
    this.#read.set(unit, settings)
    return settings
  }

  /** Units that are started with it, by the names that they have here. */
  pulled(unit: string): readonly string[] {
    const words = unitWords(this.settings(unit), 'Wants', 'Requires', 'BindsTo', 'Upholds')
    return [...words, ...(this.#from.pulls.get(unit) ?? [])].map(
      (name) => this.#from.aliases.get(name) ?? name
    )
  }

  #file(unit: string): string | null | undefined {
    const { files } = this.#from
    return files.has(unit) ? files.get(unit) : files.get(templateOf(unit) ?? '')
  }
}

/** `foo@.service` for `foo@bar.service`; null for what is no instance. */
export function templateOf(unit: string): string | null {
  const [, name, type] = /^([^@]+)@.+\.([a-z]+)$/.exec(unit) ?? []
  return name && type ? `${name}@.${type}` : null
}
