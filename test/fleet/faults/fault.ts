import type { Phase } from '../../../shared/operation/phase.ts'
import type { Generation } from '../generation.ts'
import type { Host } from '../host.ts'

/** What goes wrong, when, and how the operation has to end. The host must be good after every one of them. */
export interface Fault<H = Host, C = Partial<Generation>> {
  readonly name: string
  /** The phase in which it strikes; null for what the candidate brings with it. */
  readonly phase: Phase | null
  readonly candidate: C
  /** Blows of strike.pl, dealt the moment the phase begins. */
  readonly blows?: (host: H, operator: H) => readonly string[]
  /** The power goes with the blows, and comes back. */
  readonly power?: true
  /** The candidate is booted on trial, as soon as it is staged. */
  readonly trial?: true
  /** Done to the host before the operation. */
  readonly prepare?: (host: H) => Promise<unknown>
  /** Done to the host when the blows have been dealt, or when the phase has come. */
  readonly meanwhile?: (host: H, id: string) => Promise<unknown>
  /** Puts right what would break the faults that follow. */
  readonly mend?: (host: H) => Promise<unknown>
  /** Who confirms: local verification, a person who is always there, the `belay deploy` that asked for it, or nobody within so many seconds. */
  readonly confirm: 'health' | 'person' | 'controller' | { readonly nobodyFor: number }
  readonly ends: readonly Phase[]
  /** What the last message of the operation says. */
  readonly says?: RegExp
}

/** A kind of host, as far as its death is concerned: blows of strike.pl, and what it is to die of. */
export interface Victim<H, C> {
  readonly runner: (host: H) => string
  readonly agent: (host: H) => string
  readonly guard: (host: H) => string
  readonly power: (host: H) => string
  /** A good generation whose activation takes a moment, so that the moment can be met. */
  readonly good: C
  readonly failing: C
  /** Ways back that fail before one works. */
  readonly breakRollback: (count: number) => (host: H) => Promise<unknown>
}

/** Time limits of the hosts' agents, in seconds: short, so that what hangs is seen soon. */
export const limits = { activationSeconds: 12, agentSeconds: 8, bootSeconds: 20 }

export const runner = 'unit:belay-operation.service'
export const agent = 'unit:belay-agent.service'
export const guard = 'unit:belay-guard-*.service'

export const good: Partial<Generation> = { services: { web: 'exec sleep infinity' }, hangSeconds: 1 }
export const failing: Partial<Generation> = { failingUnit: true }
/** The candidate's own switch works; those that would bring the baseline back do not. */
export const breakRollback = (count: number) => (host: Host) =>
  host.must(['systemd-run', '--quiet', '--collect', 'sh', '-c', waitForFailure(count)])
const waitForFailure = (count: number) =>
  `until systemctl is-failed --quiet failing.service; do sleep 0.01; done; echo ${count} > /run/fixture-broken-switches`

export const nixos: Victim<Host, Partial<Generation>> = {
  runner: () => runner,
  agent: () => agent,
  guard: () => guard,
  power: (host) => `pid:${host.leader}`,
  good,
  failing,
  breakRollback
}

export const nobody = { nobodyFor: 5 } as const
export const state = '/var/lib/belay'
