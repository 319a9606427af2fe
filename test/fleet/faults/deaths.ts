import type { Phase } from '../../../shared/operation/phase.ts'
import type { Fault, Victim } from './fault.ts'

const early: readonly Phase[] = ['accepted', 'fetching', 'checking', 'arming']
const late: readonly Phase[] = ['activating', 'verifying', 'confirming', 'committing']

/** A runner killed between the intent and the start of the activation leaves nobody who knows: back it goes. */
const endsOf = (phase: Phase): readonly Phase[] =>
  phase === 'activating' ? ['committed', 'rolled-back'] : ['committed']

/** Who confirms: behind the window there is nobody to wait for. */
const waiter = (phase: Phase): Fault['confirm'] =>
  ['committing', 'rolling-back', 'stuck'].includes(phase) ? 'health' : 'person'

/** How an operation ends when everything that worked on it is killed in a phase: as if nothing had been. */
const kills: readonly {
  readonly name: string
  readonly blows: readonly ('runner' | 'agent' | 'guard')[]
  readonly only?: RegExp
}[] = [
  { name: 'runner killed', blows: ['runner'] },
  { name: 'agent killed', blows: ['agent'] },
  { name: 'runner and agent killed', blows: ['runner', 'agent'] },
  {
    name: 'runner, agent and guard killed',
    blows: ['runner', 'agent', 'guard'],
    only: /activating|verifying|confirming|committing|rolling-back/
  }
]

/** Everything that works on an operation is killed, in every phase. */
export function killMatrix<H, C>(victim: Victim<H, C>): Fault<H, C>[] {
  const { good, failing, breakRollback } = victim
  type Rest = Pick<Fault<H, C>, 'candidate' | 'confirm' | 'ends' | 'prepare'>
  const inPhase = (phase: Phase, rest: Rest): Fault<H, C>[] =>
    kills
      .filter(({ only }) => only?.test(phase) ?? true)
      .map(({ name, blows }) => {
        return { name, phase, blows: (host) => blows.map((each) => victim[each](host)), ...rest }
      })
  return [
    ...[...early, ...late].flatMap((phase) =>
      inPhase(phase, { candidate: good, confirm: waiter(phase), ends: endsOf(phase) })
    ),
    ...inPhase('rolling-back', { candidate: failing, confirm: 'health', ends: ['rolled-back'] }),
    ...inPhase('stuck', {
      candidate: failing,
      confirm: 'health',
      prepare: breakRollback(1),
      ends: ['rolled-back']
    })
  ]
}

/** The power is cut in every phase. */
export function powerMatrix<H, C>(victim: Victim<H, C>): Fault<H, C>[] {
  const { good, failing, breakRollback } = victim
  const cut = (phase: Phase, candidate: C, ends: readonly Phase[]): Fault<H, C> => ({
    name: 'power cut',
    phase,
    candidate,
    power: true,
    blows: (host) => [victim.power(host)],
    confirm: waiter(phase),
    ends,
    ...(phase === 'stuck' ? { prepare: breakRollback(1) } : {})
  })
  return [
    // A runner that dies together with its tools may still write that they failed.
    ...early.map((phase) => cut(phase, good, ['cancelled', 'refused'])),
    cut('activating', good, ['rolled-back']),
    cut('verifying', good, ['rolled-back']),
    cut('confirming', good, ['rolled-back']),
    cut('committing', good, ['rolled-back', 'committed']),
    cut('rolling-back', failing, ['rolled-back']),
    cut('stuck', failing, ['rolled-back'])
  ]
}
