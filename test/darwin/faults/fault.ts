import type { Fault, Victim } from '../../fleet/faults/fault.ts'
import type { Mac } from '../mac.ts'
import type { System } from '../system.ts'

/** A row of the matrix, as on NixOS; the candidate is what it has beside what every one has. */
export interface MacFault extends Fault<Mac, Partial<System>> {
  /** What somebody else chose stays chosen. */
  readonly profileStays?: true
}

/** Time limits of the agents, in seconds: short, so that what hangs is seen soon. */
const config = {
  limits: { activationSeconds: 12, agentSeconds: 8 },
  preflight: { userSessionSeconds: 30 }
}
const forever = 'exec sleep 100000'
/** A job of the user's session, which every system has: with another text it needs somebody at the screen. */
export const personal = (more = '') => ({ 'org.nixos.personal': `${more}${forever}` })

export const baseline: System = {
  label: 'baseline',
  daemons: { 'org.nixos.web': forever },
  userAgents: personal(),
  files: { 'etc/greeting': 'baseline\n' },
  config
}
export const candidateOf = (more: Partial<System>): System => ({
  ...baseline,
  label: 'next',
  daemons: { 'org.nixos.db': forever },
  files: { 'etc/greeting': 'next\n' },
  ...more
})

export const good: Partial<System> = { hangAt: 'postActivation', hangSeconds: 1 }
export const failing: Partial<System> = { daemons: { 'org.nixos.failing': 'exit 1' } }

export const operatorUid = 501
const broken = '/root/fixture-broken'
const within = (text: string) => (mac: Mac) => `within:${mac.leader}:${text}`
export const breakRollback = (count: number) => (mac: Mac) =>
  mac.must(['sh', '-c', `mkdir -p ${broken} && echo ${count} >${broken}/baseline`])
export const mendRollback = (mac: Mac) => mac.must(['rm', '-f', `${broken}/baseline`])

/** Shells and programs of the jobs, by their command lines. */
export const macVictim: Victim<Mac, Partial<System>> = {
  runner: within('run-operation'),
  agent: within('agent.js serve'),
  guard: within('guard.sh'),
  power: (mac) => `pid:${mac.leader}`,
  good,
  failing,
  breakRollback
}

export const state = '/var/lib/belay'
export const nobody = { nobodyFor: 5 } as const
export const nobodyForLong = { nobodyFor: 300 } as const
