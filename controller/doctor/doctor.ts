import pLimit from 'p-limit'
import { codeOf, describeError } from '../../shared/errors.ts'
import { nixProgram } from '../build/run.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { selectHosts } from '../inventory/fleet.ts'
import { loadInventory } from '../inventory/sources.ts'
import { lockEngine } from '../store/open.ts'
import { openStore } from '../store/store.ts'
import type { Finding } from './finding.ts'
import { fails, fine, warns } from './finding.ts'
import type { ReachPorts } from './reach.ts'
import { doctorHost } from './reach.ts'

/** What is looked at. */
export interface DoctorSubject {
  readonly fleet: string
  readonly state: string
  readonly hosts: readonly string[]
  readonly maxParallel: number
  /** Whether a daemon answers; throws when one is there and does not let us in. */
  readonly daemon: () => Promise<string | null>
}

/** Looks at a set-up piece by piece. What does not work is a finding, never an error. */
export async function doctor(subject: DoctorSubject, ports: ReachPorts): Promise<Finding[]> {
  const here = [await nix(ports), ...(await state(subject))]
  let chosen: readonly FleetHost[]
  try {
    const { fleet, remarks } = await loadInventory(subject.fleet, ports)
    chosen = selectHosts(fleet, subject.hosts)
    here.push(fine('fleet file', `${fleet.file} names ${fleet.hosts.length} hosts`))
    here.push(...remarks.map((text) => warns('inventory', text, 'make the sources agree')))
  } catch (error) {
    ports.signal.throwIfAborted()
    const remedy = 'correct it; belay schema prints what may stand in it'
    return [...here, fails('fleet file', describeError(error), remedy)]
  }
  const limit = pLimit(subject.maxParallel)
  const there = await limit.map(chosen, (host) => doctorHost(host, ports))
  return [...here, ...there.flat()]
}

async function nix({ run, signal }: ReachPorts): Promise<Finding> {
  try {
    const { code, stdout, stderr } = await run([...nixProgram, '--version'], { timeoutMs: 10_000, signal })
    if (code === 0) return fine('nix', stdout.trim())
    return fails('nix', stderr.trim(), 'install Nix, or put it into PATH')
  } catch (error) {
    signal.throwIfAborted()
    return fails('nix', describeError(error), 'install Nix, or put it into PATH')
  }
}

async function state({ state: directory, daemon }: DoctorSubject): Promise<Finding[]> {
  const findings: Finding[] = []
  try {
    const sockets = await daemon()
    if (sockets !== null) return [fine('daemon', `belay serve answers at ${sockets}; rollouts go through it`)]
    findings.push(fine('daemon', 'none runs; commands drive rollouts by themselves'))
  } catch (error) {
    const remedy =
      codeOf(error) === 'permission-denied'
        ? 'become a member of a group that the daemon names in groups, or be its user'
        : 'see docs/certificates.md, From another machine'
    return [fails('daemon', describeError(error), remedy)]
  }
  try {
    using store = await openStore(directory)
    findings.push(fine('store', `${directory} has ${store.rollouts().length} rollouts`))
  } catch (error) {
    return [...findings, fails('store', describeError(error), 'see docs/rollouts.md, State')]
  }
  try {
    using _ = await lockEngine(directory)
    findings.push(fine('lock', 'nobody drives rollouts'))
  } catch {
    const text = `another belay drives rollouts from ${directory}, and is no daemon that we reach`
    findings.push(warns('lock', text, 'wait for it, or end it: fuser engine.lock in that directory names it'))
  }
  return findings
}
