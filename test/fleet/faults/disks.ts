import type { Phase } from '../../../shared/operation/phase.ts'
import type { Generation } from '../generation.ts'
import type { Host } from '../host.ts'
import type { Fault } from './fault.ts'
import { failing, good, state } from './fault.ts'

/** A small disk under the agent's state, as a full /var would be. */
const smallDisk = (host: Host) =>
  host.must([
    'sh',
    '-c',
    `systemctl stop belay-agent && cp -a ${state} /root/state && mount -t tmpfs -o size=16m tmpfs ${state} &&
    cp -a /root/state/. ${state}/ && systemctl start belay-agent`
  ])
/** Room again; the operation is closed on the small disk first, then the state moves back. */
const bigDisk = (host: Host) =>
  host.must([
    'sh',
    '-c',
    `systemctl stop belay-agent && rm -f ${state}/fill && rm -rf /root/state && cp -a ${state} /root/state && umount --lazy ${state} &&
    cp -a /root/state/. ${state}/ && rm -rf /root/state && systemctl start belay-agent`
  ])
const fullDisk = (phase: Phase, candidate: Partial<Generation>, rest: Partial<Fault>): Fault => ({
  name: 'disk full',
  phase,
  candidate,
  prepare: smallDisk,
  blows: () => [`fill:${state}/fill`],
  mend: bigDisk,
  confirm: 'health',
  ends: ['committed'],
  ...rest
})

/** The disk fills in the middle of it. */
export const fullDisks: readonly Fault[] = [
  fullDisk('checking', good, { ends: ['committed', 'refused'] }),
  fullDisk('confirming', good, { confirm: 'person' }),
  fullDisk('committing', good, { ends: ['committed', 'rolled-back'] }),
  fullDisk('rolling-back', failing, { ends: ['rolled-back'] })
]
