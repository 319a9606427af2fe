import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { intactRecords } from '../../agent/rescue/intact.ts'
import type { Mac } from './mac.ts'

/** An event of a journal, as far as the tests look. */
interface Event {
  readonly type: string
  readonly to?: string
  readonly code?: string
  readonly reason?: string
}

/** What a Mac is, read from itself and not from the agent. */
export async function truthOf(mac: Mac) {
  const list = (await mac.launchctl('list'))
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
  const plists = readdirSync(`${mac.root}/Library/LaunchDaemons`)
  const link = (path: string) => readlinkSync(`${mac.root}${path}`)
  const profiles = '/nix/var/nix/profiles'
  return {
    running: link('/run/current-system'),
    profile: link(`${profiles}/${link(`${profiles}/system`)}`),
    daemons: plists.filter((name) => name.startsWith('org.nixos.')).sort(),
    /** Those of the systems that run at this moment. */
    jobs: list
      .flatMap(([pid, , label = '']) => (pid !== '-' && label.startsWith('org.nixos.') ? [label] : []))
      .sort(),
    /** Those of an operation that run at this moment. */
    operation: list.flatMap(([pid, , label = '']) =>
      pid !== '-' && label.startsWith('org.belay.') ? [label] : []
    ),
    guards: [
      ...plists.filter((name) => name.startsWith('org.belay.')),
      ...list.flatMap(([, , label = '']) => (label.startsWith('org.belay.guard') ? [label] : []))
    ],
    greeting: greetingOf(mac)
  }
}

/** Of /etc/greeting, whose links lead through the Mac's own root. */
function greetingOf(mac: Mac): string {
  const read = (path: string) => readFileSync(`${mac.root}${path}`, 'utf8').trim()
  return read(`${readlinkSync(`${mac.root}/etc/static`)}/greeting`)
}

/** The journal of the newest operation, from outside: it works while the Mac is going down. */
export function journalOf(mac: Mac, index = -1): readonly Event[] {
  const text = readFileSync(journalFile(mac, index), 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { event: Event }).event)
}

/** Whether the chain of that journal holds. */
export function isWhole(mac: Mac): boolean {
  return intactRecords(readFileSync(journalFile(mac, -1), 'utf8')).broken === null
}

function journalFile(mac: Mac, index: number): string {
  const id = mac.operations().at(index)
  if (id === undefined) throw new Error('there is no such operation')
  return `${mac.root}/var/lib/belay/operations/${id}/journal.jsonl`
}

/** The last move of the newest operation. */
export const lastMove = (mac: Mac) => journalOf(mac).findLast(({ type }) => type === 'moved')

const terminal = ['committed', 'rolled-back', 'refused', 'cancelled']
export const hasEnded = (mac: Mac) => terminal.includes(lastMove(mac)?.to ?? '')
