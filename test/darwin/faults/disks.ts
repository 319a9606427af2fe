import type { Phase } from '../../../shared/operation/phase.ts'
import type { Mac } from '../mac.ts'
import type { MacFault } from './fault.ts'
import { failing, good, state } from './fault.ts'

const agent = 'org.nixos.belay-agent'
const stop = `launchctl bootout system/${agent}; while launchctl print system/${agent} >/dev/null 2>&1; do sleep 0.1; done`
const start = `launchctl bootstrap system /Library/LaunchDaemons/${agent}.plist`

/** A small disk under the agent's state. */
const smallDisk = async (mac: Mac) => {
  await mac.must([
    'sh',
    '-c',
    `set -e; ${stop}; cp -a ${state} /root/state; mount -t tmpfs -o size=16m tmpfs ${state}
    cp -a /root/state/. ${state}/; ${start}`
  ])
  await mac.whenAnswering()
}
/** Room again; the operation is closed on the small disk first, then the state moves back. */
const bigDisk = async (mac: Mac) => {
  await mac.must([
    'sh',
    '-c',
    `set -e; ${stop}; rm -f ${state}/fill; rm -rf /root/state; cp -a ${state} /root/state; umount --lazy ${state}
    cp -a /root/state/. ${state}/; rm -rf /root/state; ${start}`
  ])
  await mac.whenAnswering()
}

const fullDisk = (phase: Phase, rest: Partial<MacFault> = {}): MacFault => ({
  name: 'disk full',
  phase,
  candidate: good,
  prepare: smallDisk,
  blows: () => [`fill:${state}/fill`],
  mend: bigDisk,
  confirm: 'health',
  ends: ['committed'],
  ...rest
})

/** The disk fills in the middle of it. */
export const fullDisks: readonly MacFault[] = [
  fullDisk('checking', { ends: ['committed', 'refused'] }),
  fullDisk('activating', { ends: ['committed', 'rolled-back'] }),
  fullDisk('confirming', { confirm: 'person' }),
  fullDisk('committing', { ends: ['committed', 'rolled-back'] }),
  fullDisk('rolling-back', { candidate: failing, ends: ['rolled-back'] })
]
