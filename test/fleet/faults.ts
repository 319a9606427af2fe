import type { Phase } from '../../shared/operation/phase.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { waitFor } from './host.ts'

/** What goes wrong, when, and how the operation has to end. The host must be good after every one of them. */
export interface Fault {
  readonly name: string
  /** The phase in which it strikes; null for what the candidate brings with it. */
  readonly phase: Phase | null
  readonly candidate: Partial<Generation>
  /** Blows of strike.pl, dealt the moment the phase begins. */
  readonly blows?: (host: Host) => readonly string[]
  /** The power goes with the blows, and comes back. */
  readonly power?: true
  /** Done to the host before the operation. */
  readonly prepare?: (host: Host) => Promise<unknown>
  /** Done to the host when the blows have been dealt, or when the phase has come. */
  readonly meanwhile?: (host: Host, id: string) => Promise<unknown>
  /** Puts right what would break the faults that follow. */
  readonly mend?: (host: Host) => Promise<unknown>
  /** Who confirms: local verification, a person who is always there, or nobody within so many seconds. */
  readonly confirm: 'health' | 'person' | { readonly nobodyFor: number }
  readonly ends: readonly Phase[]
  /** What the last message of the operation says. */
  readonly says?: RegExp
}

/** Time limits of the hosts' agents, in seconds: short, so that what hangs is seen soon. */
export const limits = { activationSeconds: 12, agentSeconds: 8, bootSeconds: 20 }

const runner = 'unit:belay-operation.service'
const agent = 'unit:belay-agent.service'
const guard = 'unit:belay-guard-*.service'

/** A good generation whose activation takes a moment, so that the moment can be met. */
const good: Partial<Generation> = { services: { web: 'exec sleep infinity' }, hangSeconds: 1 }
const failing: Partial<Generation> = { failingUnit: true }
const breakSwitches = (count: number) => (host: Host) =>
  host.must(['sh', '-c', `echo ${count} > /run/fixture-broken-switches`])
/** The candidate's own switch works; those that would bring the baseline back do not. */
const breakRollback = (count: number) => (host: Host) =>
  host.must(['systemd-run', '--quiet', '--collect', 'sh', '-c', waitForFailure(count)])
const waitForFailure = (count: number) =>
  `until systemctl is-failed --quiet failing.service; do sleep 0.01; done; echo ${count} > /run/fixture-broken-switches`

const early: readonly Phase[] = ['accepted', 'fetching', 'checking', 'arming']
const late: readonly Phase[] = ['activating', 'verifying', 'confirming', 'committing']

/** A runner killed between the intent and the start of the activation leaves nobody who knows: back it goes. */
const endsOf = (phase: Phase): readonly Phase[] =>
  phase === 'activating' ? ['committed', 'rolled-back'] : ['committed']

/** Who confirms: behind the window there is nobody to wait for. */
const waiter = (phase: Phase): Fault['confirm'] =>
  ['committing', 'rolling-back', 'stuck'].includes(phase) ? 'health' : 'person'

/** How an operation ends when everything that worked on it is killed in a phase: as if nothing had been. */
const kills: readonly { readonly name: string; readonly blows: readonly string[]; readonly only?: RegExp }[] =
  [
    { name: 'runner killed', blows: [runner] },
    { name: 'agent killed', blows: [agent] },
    { name: 'runner and agent killed', blows: [runner, agent] },
    {
      name: 'runner, agent and guard killed',
      blows: [runner, agent, guard],
      only: /activating|verifying|confirming|committing|rolling-back/
    }
  ]

function killMatrix(): Fault[] {
  const inPhase = (phase: Phase, rest: Pick<Fault, 'candidate' | 'confirm' | 'ends' | 'prepare'>): Fault[] =>
    kills
      .filter(({ only }) => only?.test(phase) ?? true)
      .map(({ name, blows }) => ({ name, phase, blows: () => blows, ...rest }))
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

function powerMatrix(): Fault[] {
  const cut = (phase: Phase, candidate: Partial<Generation>, ends: readonly Phase[]): Fault => ({
    name: 'power cut',
    phase,
    candidate,
    power: true,
    blows: (host) => [`pid:${host.leader}`],
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

const nobody = { nobodyFor: 5 } as const
const state = '/var/lib/belay'

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

/** The guard's countdown of minutes becomes one of two seconds. */
const hurryGuard = (host: Host, id: string) =>
  host.must(['sh', '-c', `echo "hurried 2" > ${state}/operations/${id}/window`])
const guardEnds = (host: Host) =>
  waitFor(
    async () =>
      (await host.run(['systemctl', 'list-units', '--quiet', 'belay-guard-*'])).stdout.trim() === '',
    30_000,
    'the guard to end'
  )

/** What comes from outside while an operation waits or works. */
const interventions: readonly Fault[] = [
  {
    name: 'runner and agent gone for good: the guard',
    phase: 'confirming',
    candidate: good,
    confirm: { nobodyFor: 300 },
    meanwhile: async (host, id) => {
      await host.must(['systemctl', 'stop', 'belay-agent', 'belay-operation'])
      await hurryGuard(host, id)
      await guardEnds(host)
    },
    ends: ['rolled-back'],
    says: /the guard brought the baseline back/
  },
  {
    name: 'Node gone, runner and agent killed: the guard',
    phase: 'confirming',
    candidate: good,
    confirm: { nobodyFor: 300 },
    meanwhile: async (host, id) => {
      await host.must(['mount', '--bind', '/dev/null', '/opt/belay/node'])
      await host.must(['systemctl', 'kill', '--signal=KILL', 'belay-operation', 'belay-agent'])
      await hurryGuard(host, id)
      await guardEnds(host)
      await host.must(['umount', '/opt/belay/node'])
    },
    ends: ['rolled-back'],
    says: /the guard brought the baseline back/
  },
  {
    name: 'systemd reloaded and re-executed over and over',
    phase: 'confirming',
    candidate: good,
    confirm: { nobodyFor: 300 },
    meanwhile: async (host, id) => {
      await host.must(['systemctl', 'stop', 'belay-agent', 'belay-operation'])
      await hurryGuard(host, id)
      const storm =
        'i=0; while [ $i -lt 12 ]; do systemctl daemon-reload; i=$((i + 1)); done; systemctl daemon-reexec'
      await Promise.all([host.run(['sh', '-c', storm]), guardEnds(host)])
    },
    ends: ['rolled-back'],
    says: /the guard brought the baseline back/
  },
  {
    name: 'guard killed, runner and agent gone for good',
    phase: 'confirming',
    candidate: good,
    blows: () => [guard],
    confirm: { nobodyFor: 300 },
    meanwhile: async (host, id) => {
      await host.must(['systemctl', 'stop', 'belay-agent', 'belay-operation'])
      await hurryGuard(host, id)
      await guardEnds(host)
    },
    ends: ['rolled-back'],
    says: /the guard brought the baseline back/
  },
  {
    name: 'the boot loader fails under the guard, once',
    phase: 'confirming',
    candidate: good,
    confirm: { nobodyFor: 300 },
    meanwhile: async (host, id) => {
      await host.must(['touch', '/run/fixture-broken-boot'])
      await host.must(['systemctl', 'stop', 'belay-agent', 'belay-operation'])
      await hurryGuard(host, id)
      await guardEnds(host)
      await host.must(['rm', '/run/fixture-broken-boot'])
    },
    ends: ['rolled-back'],
    says: /the guard brought the baseline back/
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
    confirm: nobody,
    meanwhile: (host) => host.run(['belay-agent', 'rollback']),
    ends: ['rolled-back'],
    says: /cancelled/
  },
  fullDisk('checking', good, { ends: ['committed', 'refused'] }),
  fullDisk('confirming', good, { confirm: 'person' }),
  fullDisk('committing', good, { ends: ['committed', 'rolled-back'] }),
  fullDisk('rolling-back', failing, { ends: ['rolled-back'] })
]

const brings = (name: string, candidate: Partial<Generation>, rest: Partial<Fault>): Fault => ({
  name,
  phase: null,
  candidate,
  confirm: 'health',
  ends: ['rolled-back'],
  ...rest
})

const stopper = `[Unit]
Description=Stops what it should not
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'systemctl stop belay-operation.service "belay-guard-*"'
[Install]
WantedBy=multi-user.target
`

const noSsh = `[Unit]
Description=Keeps everybody out
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/systemctl stop ssh.service ssh.socket
ExecStop=/usr/bin/systemctl --no-block start ssh.service
[Install]
WantedBy=multi-user.target
`

/** Moves a path of the running system's closure away, one that nothing needs while it runs. */
const hideClosurePart = `p=$(nix-store --query --requisites /run/current-system | grep -- '-base.sh$')
mv "$p" /nix/hidden && echo "$p" > /nix/hidden-path`

/** What the candidate, or the host, brings with it. */
const candidates: readonly Fault[] = [
  brings('a unit that fails', failing, { says: /failing\.service/ }),
  brings('the host off its network', { cutNetwork: true }, { confirm: nobody, says: /nobody confirmed/ }),
  brings(
    'a unit that stops sshd',
    { units: { 'no-ssh.service': noSsh } },
    { confirm: nobody, says: /nobody confirmed/ }
  ),
  brings('another agent', { agent: 'v2' }, { ends: ['committed'] }),
  brings('a broken agent', { agent: 'broken' }, { ends: ['refused'], says: /this agent is broken/ }),
  brings(
    'an agent that does not serve',
    { units: { 'belay-agent.service.d/x.conf': '[Service]\nExecStartPre=/bin/false\n' } },
    {}
  ),
  brings(
    "a change of the agent's unit",
    { units: { 'belay-agent.service.d/x.conf': '[Service]\nEnvironment=X=1\n' } },
    { ends: ['committed'] }
  ),
  brings(
    'a unit that stops runner and guard',
    { units: { 'stopper.service': stopper } },
    { confirm: nobody, says: /nobody confirmed|guard/ }
  ),
  brings('a switch by hand that holds the lock', good, {
    prepare: (host) =>
      host.must([
        'systemd-run',
        '--quiet',
        '--unit=lock-holder',
        'flock',
        '/run/nixos/switch-to-configuration.lock',
        'sleep',
        '600'
      ]),
    mend: (host) => host.must(['systemctl', 'stop', 'lock-holder']),
    ends: ['refused'],
    says: /somebody else/
  }),
  brings('a script that hangs', { hangSeconds: 600 }, { says: /did not end in time/ }),
  brings(
    'a script that leaves a process behind',
    { forks: true },
    {
      ends: ['committed'],
      meanwhile: (host) =>
        host.waitFor(async () => (await host.run(['pgrep', '-f', '[s]leep 3333'])).code !== 0, 30_000)
    }
  ),
  brings('a script that floods its output', { floodBytes: 20_000_000 }, { ends: ['committed'] }),
  brings('a baseline of which a part is gone', good, {
    prepare: (host) => host.must(['sh', '-c', hideClosurePart]),
    mend: (host) => host.must(['sh', '-c', 'mv /nix/hidden "$(cat /nix/hidden-path)"']),
    ends: ['refused'],
    says: /is damaged/
  }),
  brings('exit code 1', { exitCode: 1 }, { says: /exited 1/ }),
  brings('exit code 2', { exitCode: 2 }, { says: /exited 2/ }),
  brings('exit code 4 and no failed unit', { exitCode: 4 }, { ends: ['committed'] }),
  brings('exit code 11', { exitCode: 11 }, { says: /nothing was changed/ }),
  brings('exit code 100', { exitCode: 100 }, { says: /reboot/ }),
  brings('exit code 101', { exitCode: 101 }, { says: /exited 101/ }),
  brings('a boot loader that fails', { bootloaderFails: true }, { says: /boot ended with/ }),
  brings('a rollback that fails once', failing, { prepare: breakRollback(1) }),
  brings('a switch that fails, and then a rollback', good, { prepare: breakSwitches(2) }),
  brings('a rollback that fails until a person comes', failing, {
    prepare: breakRollback(1000),
    phase: 'stuck',
    meanwhile: async (host) => {
      await host.must(['rm', '/run/fixture-broken-switches'])
      await host.run(['belay-agent', 'rollback'])
    }
  })
]

/** Every fault there is. */
export const allFaults: readonly Fault[] = [
  ...killMatrix(),
  ...powerMatrix(),
  ...interventions,
  ...candidates
]
