import type { Host } from '../host.ts'
import type { Fault } from './fault.ts'
import { good, state } from './fault.ts'

/** A good generation that takes a while, so that the blow lands in the middle on a busy machine, too. */
const slow = { ...good, hangSeconds: 3 }

const killed = (host: Host, operator: Host) => [`within:${operator.leader}:deploy --host ${host.name} `]

/**
 * On the host itself, since a command from outside may come too late on a busy machine. It must not be started either,
 * which the activation would do.
 */
const stopSshOnceActivating = `cd ${state}/operations && last=$(ls | tail -n 1)
until new=$(ls | grep -v new | tail -n 1) && [ "$new" != "$last" ] && grep -q '"to":"activating"' "$new/journal.jsonl"
do sleep 0.02; done; systemctl mask --runtime --now ssh.service ssh.socket`

/** What befalls the controller, or the way to it, once `belay deploy` has handed the generation over. */
export const controllers: readonly Fault[] = [
  {
    name: 'controller killed after the push',
    phase: 'accepted',
    candidate: slow,
    blows: killed,
    confirm: 'controller',
    ends: ['rolled-back'],
    says: /nobody confirmed/
  },
  {
    name: 'controller killed when the activation has begun',
    phase: 'activating',
    candidate: slow,
    blows: killed,
    confirm: 'controller',
    ends: ['rolled-back'],
    says: /nobody confirmed/
  },
  {
    name: 'sshd stopped',
    phase: 'activating',
    candidate: slow,
    prepare: (host) => host.must(['systemd-run', '--quiet', '--collect', 'sh', '-c', stopSshOnceActivating]),
    mend: (host) =>
      host.must([
        'sh',
        '-c',
        'systemctl unmask --runtime ssh.service ssh.socket && systemctl start ssh.service'
      ]),
    confirm: 'controller',
    ends: ['rolled-back'],
    says: /nobody confirmed/
  }
]
