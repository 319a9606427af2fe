import { join } from 'node:path'
import { runCommand } from '../../shared/command.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import { belay, journalOf, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import type { Fault } from './faults/fault.ts'
import { limits } from './faults/fault.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { waitFor } from './host.ts'

/** What became of a host after a fault. */
export interface Survival {
  readonly fault: Fault
  readonly phases: readonly string[]
  /** Seconds from the fault until the operation had ended and the host agreed with itself. */
  readonly secondsToGood: number
  /** What is not as it must be; empty when the host survived. */
  readonly complaints: readonly string[]
  /** True when the host runs neither baseline nor committed candidate, or disagrees with itself. */
  readonly stranded: boolean
}

/** How long a host waits for the controller, in seconds: as long as a busy machine may take to get through. */
const CONTROLLER_SECONDS = 15
const strike = join(import.meta.dirname, 'strike.pl')

/** Puts hosts through faults, several hosts at a time, each fault on a host that is as it was at first. */
export async function surviveAll(
  faults: readonly Fault[],
  told: (survival: Survival) => void
): Promise<void> {
  const names = Array.from({ length: Math.min(4, faults.length) }, (_, i) => `h${i}`)
  const services = { base: 'exec sleep infinity' }
  const generation = { generation: 'baseline', agent: 'bundle', agentConfig: { limits }, services }
  const generations = Object.fromEntries(names.map((name) => [name, generation]))
  await using fleet = await startFleet({ hosts: names, operator: true, agent: realAgent(), generations })
  writeFleetFile(fleet, CONTROLLER_SECONDS)
  const queue = [...faults]
  await Promise.all(
    fleet.hosts.map(async (host) => {
      for (let fault = queue.shift(); fault; fault = queue.shift()) told(await survive(fleet, host, fault))
    })
  )
}

async function survive(fleet: Fleet, host: Host, fault: Fault): Promise<Survival> {
  const before = await truthOf(host)
  const candidate = await pushCandidate(fleet, host, fault)
  await fault.prepare?.(host)
  const last = (await newest(host)) ?? ''
  const complaints: string[] = []
  const note = (error: unknown) =>
    void complaints.push(error instanceof Error ? error.message : String(error))
  const asked = ask(fleet, host, fault, candidate)
  const struck = fault.phase === null ? null : dealBlows(fleet, host, fault, last)
  const hit = await struck?.catch(note)
  // A controller follows to the end.
  if (fault.confirm !== 'controller') await asked
  const from = hit || performance.now()
  await host.waitFor(async () => ((await newest(host)) ?? '') > last, 'an operation').catch(note)
  const id = (await newest(host)) ?? ''
  await Promise.resolve(fault.meanwhile?.(host, id)).catch(note)
  await carryThrough(host, fault).catch(note)
  const secondsToGood = (performance.now() - from) / 1000
  const verdict = await judge(host, fault, { id, before, candidate })
  await Promise.resolve(fault.mend?.(host)).catch(note)
  await asked
  const answers = async () => (await fleet.operator.run(['ssh', host.name, 'true'])).code === 0
  await host.waitFor(answers, 'an answer by ssh').catch(note)
  if (fault.confirm === 'controller') {
    const { stdout } = await belay(fleet, '--json', 'status', '--host', host.name)
    if (!fault.says?.test(stdout)) complaints.push(`the controller does not see why: ${stdout}`)
  }
  await putBack(host, before.running)
  return { fault, secondsToGood, ...verdict, complaints: [...complaints, ...verdict.complaints] }
}

/** Asks for the candidate, on the host or from afar. Faults share candidates, and every host is put back by hand. */
async function ask(fleet: Fleet, host: Host, fault: Fault, candidate: string): Promise<void> {
  const allTheSame = ['--again', '--over-drift', ...(fault.trial ? ['--mode', 'boot'] : [])]
  if (fault.confirm === 'controller') {
    const given = ['--no-build', '--no-push', '--path', `${host.name}=${candidate}`]
    await belay(fleet, 'deploy', '--host', host.name, ...given, ...allTheSame)
    return
  }
  const confirm = fault.confirm === 'health' ? ['--auto-confirm'] : ['--window', String(windowOf(fault))]
  await host.run(['belay-agent', 'activate', candidate, '--no-follow', ...allTheSame, ...confirm])
}

const windowOf = ({ confirm }: Fault) => (typeof confirm === 'object' ? confirm.nobodyFor : 60)

async function pushCandidate(fleet: Fleet, host: Host, fault: Fault): Promise<string> {
  const candidate = { generation: 'next', agent: 'bundle', agentConfig: { limits }, ...fault.candidate }
  fleet.writeGenerations({ [host.name]: candidate })
  return fleet.push(host.name)
}

const newest = async (host: Host) =>
  (
    await host.run(['sh', '-c', 'ls /var/lib/belay/operations | grep Z- | grep -v new | tail -n 1'])
  ).stdout.trim() || null

/** Waits for the phase, strikes, and gives the power back where it went. Gives the time of the blow. */
async function dealBlows(fleet: Fleet, host: Host, fault: Fault, last: string): Promise<number> {
  if (fault.trial && fault.phase !== 'staging' && fault.phase !== 'staged') await beginTrial(host, last)
  const blows = fault.blows?.(host, fleet.operator) ?? []
  const argv = [strike, `/proc/${host.leader}/root`, last, fault.phase ?? '', '60', ...blows]
  const { code, stderr } = await runCommand(argv, { timeoutMs: 70_000 })
  if (code !== 0) throw new Error(`${fault.phase} never came ${stderr}`.trim())
  const at = performance.now()
  if (fault.power) {
    await host.whenOff()
    await host.boot()
  }
  return at
}

/** Reboots the host into what is staged; it has just begun to boot then. */
async function beginTrial(host: Host, last: string): Promise<void> {
  const staged = async () => ((await newest(host)) ?? '') > last && (await phaseOf(host)) === 'staged'
  await host.waitFor(staged, 'staged')
  await host.must(['belay-agent', 'reboot'])
  await host.whenOff()
  await host.boot({ ready: false })
}

const phaseOf = async (host: Host) => ((await journalOf(host)).phases.at(-1) ?? 'accepted') as Phase

/** Until the operation has ended, the guard has gone and the agent answers; confirms where a person would. */
async function carryThrough(host: Host, fault: Fault): Promise<void> {
  const ended = async () => {
    // A trial boot, or the way out of one.
    if (fault.trial && !host.on) await host.boot()
    const now = await phaseOf(host)
    if (now === 'confirming' && fault.confirm === 'person') await host.run(['belay-agent', 'confirm'])
    if (now === 'staged') await host.run(['belay-agent', 'reboot'])
    return isTerminal(now)
  }
  await waitFor(ended, 'the end of the operation')
  const left = async () => {
    const { guards, runner } = await truthOf(host)
    const trial = await host.run(['systemctl', 'is-active', 'belay-trial.service'])
    return guards.length > 0 || runner !== 'inactive' || trial.code === 0
  }
  await waitFor(async () => !(await left()), 'the runner and the guard to go')
  await waitFor(async () => (await host.run(['belay-agent', 'status'])).code === 0, 'the agent')
}

/** Reads from the host what is true, and compares it with what has to be. */
async function judge(
  host: Host,
  fault: Fault,
  known: { id: string; before: Awaited<ReturnType<typeof truthOf>>; candidate: string }
): Promise<Pick<Survival, 'phases' | 'complaints' | 'stranded'>> {
  const { id, before, candidate } = known
  const complaints: string[] = []
  const journal = await journalOf(host).catch(() => ({ id: '', phases: [] }))
  const end = journal.phases.at(-1) as Phase | undefined
  const now = await truthOf(host)
  const wanted = end === 'committed' ? candidate : before.running
  const systems = [now.running, now.profile, now.bootDefault]
  const stranded = systems.some((path) => path !== wanted)
  if (stranded) complaints.push(`${end}, but running, profile and boot default are ${systems.join(' ')}`)
  const { broken: brokenLog, said } = await readLog(host, id)
  if (end === undefined || !fault.ends.includes(end))
    complaints.push(`ended ${end}, wanted ${fault.ends.join(' or ')}: ${journal.phases.join(' → ')}: ${said}`)
  if (journal.id !== id) complaints.push(`another operation: ${journal.id}, not ${id}`)
  const broken = now.failed.filter((unit) => !before.failed.includes(unit))
  if (broken.length > 0) complaints.push(`failed units: ${broken.join(', ')}`)
  if (now.runner !== 'inactive') complaints.push(`the runner is ${now.runner}`)
  if (brokenLog) complaints.push('the log is broken')
  if (fault.says && !fault.says.test(said)) complaints.push(`it says: ${said}`)
  return { phases: journal.phases, complaints, stranded }
}

/** What the operation's log says last, and whether a record is missing. */
async function readLog(host: Host, id: string): Promise<{ broken: boolean; said: string }> {
  const { stdout } = await host.run(['belay-agent', '--json', 'log', id])
  const lines = stdout.trim().split('\n').filter(Boolean)
  const events = lines.map((line) => JSON.parse(line) as { seq?: number; message?: string })
  const seqs = events.flatMap(({ seq }) => (seq === undefined ? [] : [seq]))
  return {
    broken: seqs.length === 0 || seqs.some((seq, i) => seq !== i),
    said: events.findLast(({ message }) => message !== undefined)?.message ?? ''
  }
}

/** The host as it was before, switched by hand, for the next fault. */
async function putBack(host: Host, system: string): Promise<void> {
  await host.run(['rm', '-f', '/run/fixture-broken-switches'])
  // Where the fault was met with a rollback by hand.
  await host.run(['belay-agent', 'release'])
  const now = await truthOf(host)
  if ([now.running, now.profile, now.bootDefault].every((path) => path === system)) return
  await host.must(['nix-env', '-p', '/nix/var/nix/profiles/system', '--set', system])
  await host.must([`${system}/bin/switch-to-configuration`, 'switch'], { timeoutMs: 180_000 })
}
