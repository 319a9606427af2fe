import { isOurs } from '../../platform/nixos/units.ts'
import type { World } from './kind.ts'

/** What `systemctl show` says of a unit. */
export type Shown = Readonly<Record<string, string>>

/** Asks systemd; throws what it said when it would not answer. */
export async function systemctl(world: World, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr, ended } = await world.run(['systemctl', '--no-pager', ...args])
  if (code === 0) return stdout
  throw new Error(
    `systemctl ${ended === 'exited' ? `exited with ${code}` : ended}: ${stderr.trim().slice(0, 200)}`
  )
}

/** Properties of units, in the order in which they were asked for. */
export async function showUnits(
  world: World,
  units: readonly string[],
  properties: readonly string[]
): Promise<readonly Shown[]> {
  return parseShow(await systemctl(world, ['show', `--property=${properties.join()}`, '--', ...units]))
}

/** One block of `KEY=VALUE` lines for each unit, with an empty line between. */
export function parseShow(text: string): readonly Shown[] {
  const blocks = text.split('\n\n').filter((block) => block.trim() !== '')
  return blocks.map((block) =>
    Object.fromEntries(
      block.split('\n').flatMap((line) => {
        const at = line.indexOf('=')
        return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : []
      })
    )
  )
}

/** The units in the first column of a list, without those of an operation or of a check. */
export function parseUnits(json: string): readonly string[] {
  const units = JSON.parse(json.trim() || '[]') as { unit: string }[]
  return units.map(({ unit }) => unit).filter((unit) => !isOurs(unit))
}
