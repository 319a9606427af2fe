import type { Host } from '../host.ts'
import { waitFor } from '../host.ts'
import type { Fault } from './fault.ts'
import { good, guard, nobody, state } from './fault.ts'

/** The guard's countdown of minutes becomes one of two seconds. */
const hurryGuard = (host: Host, id: string) =>
  host.must(['sh', '-c', `echo "hurried 2" > ${state}/operations/${id}/window`])
const guardEnds = (host: Host) =>
  waitFor(
    async () =>
      (await host.run(['systemctl', 'list-units', '--quiet', 'belay-guard-*'])).stdout.trim() === '',
    'the guard to end'
  )

/** Neither runner nor agent comes back; nothing but the guard is left. */
const guardAlone = async (host: Host, id: string) => {
  await host.must(['systemctl', 'stop', 'belay-agent', 'belay-operation'])
  await hurryGuard(host, id)
  await guardEnds(host)
}
const byGuard = {
  phase: 'confirming',
  candidate: good,
  confirm: { nobodyFor: 300 },
  ends: ['rolled-back'],
  says: /the guard brought the baseline back/
} as const

/** What comes from outside while an operation waits or works. */
export const interventions: readonly Fault[] = [
  { ...byGuard, name: 'runner and agent gone for good: the guard', meanwhile: guardAlone },
  {
    ...byGuard,
    name: 'Node gone, runner and agent killed: the guard',
    meanwhile: async (host, id) => {
      await host.must(['mount', '--bind', '/dev/null', '/opt/belay/node'])
      await host.must(['systemctl', 'kill', '--signal=KILL', 'belay-operation', 'belay-agent'])
      await hurryGuard(host, id)
      await guardEnds(host)
      await host.must(['umount', '/opt/belay/node'])
    }
  },
  {
    ...byGuard,
    name: 'systemd reloaded and re-executed over and over',
    meanwhile: async (host, id) => {
      await host.must(['systemctl', 'stop', 'belay-agent', 'belay-operation'])
      await hurryGuard(host, id)
      const storm =
        'i=0; while [ $i -lt 12 ]; do systemctl daemon-reload; i=$((i + 1)); done; systemctl daemon-reexec'
      await Promise.all([host.run(['sh', '-c', storm]), guardEnds(host)])
    }
  },
  {
    ...byGuard,
    name: 'guard killed, runner and agent gone for good',
    blows: () => [guard],
    meanwhile: guardAlone
  },
  {
    ...byGuard,
    name: 'the boot loader fails under the guard, once',
    meanwhile: async (host, id) => {
      await host.must(['touch', '/run/fixture-broken-boot'])
      await guardAlone(host, id)
      await host.must(['rm', '/run/fixture-broken-boot'])
    }
  },
  {
    name: 'runner told to end',
    phase: 'confirming',
    candidate: good,
    confirm: 'person',
    meanwhile: (host) => host.must(['systemctl', 'kill', '--signal=TERM', 'belay-operation']),
    ends: ['committed']
  },
  {
    name: 'runner stopped by hand, then a rollback',
    phase: 'confirming',
    candidate: good,
    confirm: { nobodyFor: 300 },
    meanwhile: async (host) => {
      await host.must(['systemctl', 'stop', 'belay-operation'])
      await host.run(['belay-agent', 'rollback'])
    },
    ends: ['rolled-back'],
    says: /cancelled/
  },
  {
    name: 'a rollback while the script hangs',
    phase: 'activating',
    candidate: { hangSeconds: 600 },
    confirm: 'health',
    meanwhile: (host) => host.run(['belay-agent', 'rollback']),
    ends: ['rolled-back'],
    says: /cancelled/
  },
  {
    name: 'power cut, and a directory without a journal',
    phase: 'confirming',
    candidate: good,
    power: true,
    prepare: (host) => host.must(['mkdir', `${state}/operations/20200101T000000000Z-deadbeef`]),
    blows: (host) => [`pid:${host.leader}`],
    mend: (host) => host.must(['rmdir', `${state}/operations/20200101T000000000Z-deadbeef`]),
    confirm: 'person',
    ends: ['rolled-back']
  },
  {
    name: 'network cut',
    phase: 'confirming',
    candidate: good,
    confirm: nobody,
    meanwhile: (host) => host.cutNetwork(),
    mend: (host) => host.restoreNetwork(),
    ends: ['rolled-back'],
    says: /nobody confirmed/
  },
  {
    name: 'switched by hand',
    phase: 'confirming',
    candidate: good,
    confirm: 'person',
    meanwhile: (host) =>
      host.must(['sh', '-c', '/nix/var/nix/profiles/system/bin/switch-to-configuration test']),
    ends: ['rolled-back'],
    says: /not the candidate/
  },
  {
    name: 'cancelled',
    phase: 'confirming',
    candidate: good,
    confirm: { nobodyFor: 300 },
    meanwhile: (host) => host.run(['belay-agent', 'rollback']),
    ends: ['rolled-back'],
    says: /cancelled/
  }
]
