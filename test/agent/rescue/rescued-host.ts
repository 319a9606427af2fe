import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '../../../agent/config/settings.ts'
import { parseSettings } from '../../../agent/config/settings.ts'
import { openJournal } from '../../../agent/journal/journal.ts'
import type { Event } from '../../../agent/operation/events.ts'
import { nixosWay } from '../../../agent/platform/nixos/rescue.ts'
import type { Evidence } from '../../../agent/rescue/evidence.ts'
import { gather } from '../../../agent/rescue/evidence.ts'
import { planRescue } from '../../../agent/rescue/plan.ts'
import type { Phase } from '../../../shared/operation/phase.ts'

export const nixos = nixosWay('/nonexistent')

/** A store path by one letter. */
export const system = (letter: string) => `/nix/store/${letter.repeat(32)}-nixos-system-cinnabar`
export const [older, baseline, candidate] = [system('a'), system('b'), system('c')]
export const id = '20260102T030405678Z-1a2b3c4d'
export const accepted: Event = {
  type: 'accepted',
  id,
  kind: 'activate',
  profile: 'system',
  target: { number: null, storePath: candidate },
  confirm: { by: 'connection', windowSeconds: 60 },
  principal: 'operate',
  reason: null,
  idempotency: null
}
export const moved = (to: Phase): Event => ({ type: 'moved', to, reason: `to ${to}` })
export const before: Extract<Event, { type: 'baseline' }> = {
  type: 'baseline',
  generation: { number: 41, storePath: baseline },
  profile: { number: 41, storePath: baseline },
  failedUnits: []
}
export const way: readonly Event[] = [accepted, moved('fetching'), moved('checking'), before, moved('arming')]
export const to = (...phases: Phase[]) => [...way, ...phases.map(moved)]
export const stuck = to('activating', 'verifying', 'rolling-back', 'stuck')

export interface Made {
  readonly journal?: readonly Event[]
  readonly knownGood?: unknown
  readonly links?: Readonly<Record<number, string>>
  readonly profile?: number
  readonly roots?: Readonly<Record<string, string>>
}

/** A host's files in a directory, with what the rescue reads of them. */
export async function host(dir: string, made: Made) {
  const at = (...names: string[]) => join(dir, ...names)
  for (const each of ['state', 'roots', 'profiles', 'boot/loader/entries'])
    await mkdir(at(each), { recursive: true })
  const links = made.links ?? { 40: older, 41: baseline }
  for (const [number, path] of Object.entries(links)) {
    await symlink(path, at('profiles', `system-${number}-link`))
    const entry = `title NixOS\nversion Generation ${number} x, built on 2026-01-01\noptions init=${path}/init quiet\n`
    await writeFile(at('boot/loader/entries', `${number}.conf`), entry)
  }
  await symlink(`system-${made.profile ?? 41}-link`, at('profiles/system'))
  for (const [name, path] of Object.entries(made.roots ?? {})) await symlink(path, at('roots', name))
  const file = at('state/operations', id, 'journal.jsonl')
  if (made.journal) {
    await mkdir(at('state/operations', id), { recursive: true })
    const journal = await openJournal<Event>(file, () => ({
      at: '2026-01-01T00:00:00.000Z',
      bootId: 'b',
      monotonicMs: 1
    }))
    for (const event of made.journal) await journal.append(event)
    await journal.close()
  }
  const good = made.knownGood ?? {
    generations: [baseline, older].map((storePath) => ({ number: null, storePath }))
  }
  await writeFile(at('state/known-good.json'), typeof good === 'string' ? good : JSON.stringify(good))
  const settings = parseSettings(
    JSON.stringify({
      hostName: 'cinnabar',
      stateDirectory: at('state'),
      gcRootsDirectory: at('roots'),
      profile: at('profiles/system'),
      bootDirectory: at('boot')
    }),
    'test'
  )
  return { at, settings, file, directory: at('state/operations', id) }
}

export const running = (path: string | null, evidence: Evidence): Evidence => ({
  ...evidence,
  seen: { ...evidence.seen, running: path }
})
export const evidenceOf = async (settings: Settings, runs: string | null, gone: readonly string[] = []) =>
  running(runs, await gather(settings, { ...nixos, isSwitchable: async (path) => !gone.includes(path) }))
export const planOf = async (settings: Settings, runs: string | null, gone?: readonly string[]) =>
  planRescue(await evidenceOf(settings, runs, gone), settings, nixos)
