import { join } from 'node:path'
import { runCommand } from '../../shared/command.ts'
import { describeError } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import { waitFor } from '../fleet/host.ts'
import type { Survival } from '../fleet/survive.ts'
import type { MacFault } from './faults/fault.ts'
import { baseline, candidateOf } from './faults/fault.ts'
import { Mac } from './mac.ts'
import { isWhole, journalOf, truthOf } from './truth.ts'

/** What became of a Mac after a fault. */
export interface MacSurvival extends Omit<Survival, 'fault'> {
  readonly fault: MacFault
}

type Truth = Awaited<ReturnType<typeof truthOf>>

const strike = join(import.meta.dirname, '../fleet/strike.pl')

/** Puts Macs through faults, two side by side, each fault on a Mac that is as it was at first. */
export async function surviveOnMacs(
  faults: readonly MacFault[],
  told: (survival: MacSurvival) => void
): Promise<void> {
  const queue = [...faults]
  const work = async () => {
    await using mac = await Mac.start(baseline)
    const before = await truthOf(mac)
    for (let fault = queue.shift(); fault; fault = queue.shift()) told(await survive(mac, fault, before))
  }
  await Promise.all([work(), work()])
}

async function survive(mac: Mac, fault: MacFault, before: Truth): Promise<MacSurvival> {
  const complaints: string[] = []
  const note = (error: unknown) =>
    void complaints.push(error instanceof Error ? error.message : String(error))
  const candidate = await mac.build(candidateOf(fault.candidate))
  await fault.prepare?.(mac)
  const last = mac.operations().at(-1) ?? ''
  const asked = ask(mac, fault, candidate)
  if (fault.phase !== null) await dealBlows(mac, fault, last).catch(note)
  const from = performance.now()
  const said = await asked
  const begun = () => (mac.operations().at(-1) ?? '') > last
  if (!begun()) complaints.push(`no operation: ${said}`)
  const id = mac.operations().at(-1) ?? ''
  await Promise.resolve(fault.meanwhile?.(mac, id)).catch(note)
  await carryThrough(mac, fault).catch(note)
  const secondsToGood = (performance.now() - from) / 1000
  const { phases, stranded, complaints: more } = await judge(mac, fault, { before, candidate })
  await Promise.resolve(fault.mend?.(mac)).catch(note)
  await putBack(mac, before).catch(note)
  return { fault, phases, secondsToGood, stranded, complaints: [...complaints, ...more] }
}

/** Asks for an activation; gives why it was not taken, or an empty text. */
async function ask(mac: Mac, { confirm }: MacFault, candidate: string): Promise<string> {
  const windowSeconds = typeof confirm === 'object' ? confirm.nobodyFor : 60
  const by = confirm === 'health' ? 'health' : 'connection'
  const request = {
    storePath: candidate,
    confirm: { by, windowSeconds },
    again: true,
    overDrift: true
  } as const
  return mac
    .agent('operate')
    .start(request)
    .then(() => '', describeError)
}

/** Waits for the phase, strikes, and gives the power back where it went. */
async function dealBlows(mac: Mac, fault: MacFault, last: string): Promise<void> {
  const blows = fault.blows?.(mac, mac) ?? []
  const argv = [strike, mac.root, last, fault.phase ?? '', '60', ...blows]
  const { code, stderr } = await runCommand(argv, { timeoutMs: 70_000 })
  if (code !== 0) throw new Error(`${fault.phase} never came ${stderr}`.trim())
  if (!fault.power) return
  await mac.whenOff()
  await mac.boot()
}

const phaseOf = (mac: Mac) =>
  (journalOf(mac).findLast(({ to }) => to !== undefined)?.to ?? 'accepted') as Phase

/** As a person would, over a connection of its own. */
async function confirm(mac: Mac): Promise<void> {
  const agent = mac.agent('operate')
  const [waiting] = (await agent.operations()).operations
  const nonce = waiting?.confirmation?.nonce
  if (waiting && nonce) await agent.confirm(waiting.id, nonce, null)
}

/** Until the operation has ended, the guard has gone and the agent answers; confirms where a person would. */
async function carryThrough(mac: Mac, fault: MacFault): Promise<void> {
  const ended = async () => {
    const now = phaseOf(mac)
    if (now === 'confirming' && fault.confirm === 'person') await confirm(mac).catch(() => {})
    return isTerminal(now)
  }
  await waitFor(ended, `the end of the operation (${phaseOf(mac)})`)
  await waitFor(async () => {
    const { operation, guards } = await truthOf(mac)
    return operation.length + guards.length === 0
  }, 'runner and guard to go')
  await mac.whenAnswering()
}

/** Reads from the Mac what is true, and compares it with what has to be. */
async function judge(
  mac: Mac,
  fault: MacFault,
  { before, candidate }: { readonly before: Truth; readonly candidate: string }
): Promise<Pick<Survival, 'phases' | 'stranded' | 'complaints'>> {
  const events = journalOf(mac)
  const phases = events.flatMap(({ to }) => to ?? [])
  const end = phases.at(-1) as Phase | undefined
  const said = events.findLast(({ type }) => type === 'moved')?.reason ?? ''
  const complaints: string[] = []
  if (end === undefined || !fault.ends.includes(end))
    complaints.push(`ended ${end}, wanted ${fault.ends.join(' or ')}: ${phases.join(' → ')}: ${said}`)
  if (fault.says && !fault.says.test(said)) complaints.push(`it says: ${said}`)
  const { daemons = {} } = candidateOf(fault.candidate)
  const own = ['org.nixos.belay-agent']
  const wanted: Partial<Truth> =
    end === 'committed'
      ? {
          running: candidate,
          profile: candidate,
          greeting: 'next',
          jobs: [...own, ...Object.keys(daemons)].sort()
        }
      : fault.profileStays
        ? { ...before, profile: (await truthOf(mac)).profile }
        : before
  const wrong = async () => {
    const now = await truthOf(mac)
    return (Object.keys(wanted) as (keyof Truth)[]).flatMap((key) => {
      const [is, should] = [JSON.stringify(now[key]), JSON.stringify(wanted[key])]
      return is === should ? [] : [`${key} is ${is}, not ${should}`]
    })
  }
  // What is just being started may take a moment.
  await waitFor(async () => (await wrong()).length === 0, 'the truth').catch(() => {})
  const left = await wrong()
  if (!isWhole(mac)) complaints.push('the journal is broken')
  const stranded = left.some((each) => /^(running|profile) /.test(each))
  return { phases, stranded, complaints: [...complaints, ...left] }
}

/** The Mac as it was before, switched by hand, for the next fault. */
async function putBack(mac: Mac, before: Truth): Promise<void> {
  // Where the fault was met with a rollback by hand.
  await mac
    .agent('operate')
    .release()
    .catch(() => {})
  const now = await truthOf(mac)
  if (now.running === before.running && now.profile === before.profile) return
  await mac.must(['nix-env', '-p', '/nix/var/nix/profiles/system', '--set', before.running])
  await mac.must([`${before.running}/activate`])
  // Where its list had changed, launchd is just starting it.
  await mac.whenAnswering()
}
