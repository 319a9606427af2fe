import type { Generation } from '../generation.ts'
import type { Host } from '../host.ts'
import type { Fault } from './fault.ts'
import { breakRollback, failing, good, nobody } from './fault.ts'

const breakSwitches = (count: number) => (host: Host) =>
  host.must(['sh', '-c', `echo ${count} > /run/fixture-broken-switches`])

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
export const candidates: readonly Fault[] = [
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
        host.waitFor(async () => (await host.run(['pgrep', '-f', '[s]leep 3333'])).code !== 0, 'its end')
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
      // Asked for while it cannot work yet: behind its end it would be another operation.
      const rollback = ['--unix-socket', '/run/belay/operate.sock', '--json', '{}', 'http://a/v1/rollback']
      await host.must(['curl', '--silent', '--fail', ...rollback])
      await host.must(['rm', '/run/fixture-broken-switches'])
    }
  })
]
