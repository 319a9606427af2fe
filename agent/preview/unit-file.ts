/** Values by key, by section. */
export type UnitSettings = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>

/**
 * Reads a unit file and then its drop-ins, as switch-to-configuration does: an empty value drops those before it, and
 * [Install] says nothing about what runs. A line that ends with a backslash goes on in the next.
 */
export function readUnit(texts: readonly string[]): UnitSettings {
  const sections = new Map<string, Map<string, string[]>>()
  for (const text of texts) {
    let section: Map<string, string[]> | null = null
    for (const line of linesOf(text)) {
      const header = /^\[(.*)\]$/.exec(line)?.[1]
      if (header !== undefined) {
        section = header === 'Install' ? null : (sections.get(header) ?? new Map<string, string[]>())
        if (section !== null) sections.set(header, section)
        continue
      }
      const equals = line.indexOf('=')
      if (section === null || equals < 1) continue
      const [key, value] = [line.slice(0, equals).trim(), line.slice(equals + 1).trim()]
      section.set(key, value === '' ? [] : [...(section.get(key) ?? []), value])
    }
  }
  return sections
}

/** Without comments and empty lines. */
function linesOf(text: string): readonly string[] {
  return text
    .replace(/\\\r?\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';'))
}

/** A boolean setting; the default where it has no value. */
export function flagOf(unit: UnitSettings, section: string, key: string, otherwise: boolean): boolean {
  const last = unit.get(section)?.get(key)?.at(-1)
  return last === undefined ? otherwise : ['1', 'yes', 'true', 'on'].includes(last)
}

/** The words of all values of some keys of [Unit], such as the units that it wants. */
export function unitWords(unit: UnitSettings, ...keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => (unit.get('Unit')?.get(key) ?? []).flatMap((value) => value.split(/\s+/)))
}
