import { AGENT_LABEL } from '../../../agent/platform/darwin/jobs.ts'
import { waitFor } from '../../fleet/host.ts'
import type { Mac } from '../mac.ts'
import type { System } from '../system.ts'
import { journalOf, truthOf } from '../truth.ts'
import type { MacFault } from './fault.ts'
import {
  baseline,
  breakRollback,
  failing,
  good,
  mendRollback,
  nobody,
  operatorUid,
  personal
} from './fault.ts'

const brings = (name: string, candidate: Partial<System>, rest: Partial<MacFault>): MacFault => ({
  name,
  phase: null,
  candidate,
  confirm: 'health',
  ends: ['rolled-back'],
  ...rest
})

/** What a daemon of the candidate does once, when it is loaded. */
const daemon = (script: string): Partial<System> => ({
  daemons: { 'org.nixos.bad': `${script}; exec sleep 100000` }
})

const guards = '$(launchctl list | grep -o "org[.]belay[.]guard.*")'
const unload = (...labels: readonly string[]) =>
  `for job in ${labels.join(' ')}; do launchctl bootout system/$job; done`

const malformed = '<plist version="1.0"><dict><key>Label</key><string>org.nixos.bad</string></dict></plist>'

/** Moves a path of the running system's closure away, one that nothing needs while it runs. */
const hideClosurePart = `p=$(nix-store --query --requisites /run/current-system | grep -- '-fixture-knobs$')
mv "$p" /nix/hidden && echo "$p" >/nix/hidden-path`

const failsAt = (step: string): MacFault =>
  brings(
    `a script that breaks off at ${step}`,
    { failAt: step },
    {
      says: new RegExp(`half-activated.*${step} failed on purpose`)
    }
  )

/** What the candidate, or the host, brings with it. */
export const candidates: readonly MacFault[] = [
  brings('a daemon that fails', failing, { says: /org\.nixos\.failing/ }),
  brings(
    'a property list that launchd refuses',
    { files: { 'Library/LaunchDaemons/org.nixos.bad.plist': malformed } },
    {
      says: /half-activated/
    }
  ),
  ...['checks', 'etc', 'launchd', 'userLaunchd', 'postActivation'].map(failsAt),
  brings(
    'Homebrew that fails in the middle',
    { brew: ['jq', 'fail', 'yq'] },
    {
      says: /half-activated.*Failed to download.*not fully reversible: what Homebrew has changed/,
      meanwhile: async (mac) => {
        const isThere = async () => (await mac.run(['ls', '/opt/homebrew/Cellar/jq'])).code === 0
        await waitFor(isThere, 'what Homebrew leaves')
      }
    }
  ),
  brings('another agent', { agent: 'v2' }, { ends: ['committed'] }),
  brings('a broken agent', { agent: 'broken' }, { says: /agent/ }),
  brings(
    "a change of the agent's property list",
    { agentPlistEdit: 's/<integer>30</<integer>31</' },
    {
      ends: ['committed']
    }
  ),
  brings(
    'an agent whose property list starts something else',
    { agentPlistEdit: 's/belay-agent serve/belay-agent --version/' },
    {
      says: /agent/
    }
  ),
  brings('a daemon that unloads runner and guard', daemon(unload('org.belay.operation', guards)), {
    confirm: nobody,
    says: /nobody confirmed|guard/
  }),
  brings(
    'a daemon that unloads agent, runner, activation and guard, then a power cut',
    daemon(
      `[ -e /root/struck ] || { touch /root/struck; ${unload(AGENT_LABEL, 'org.belay.operation', 'org.belay.activation', guards)} }`
    ),
    {
      phase: 'activating',
      meanwhile: async (mac) => {
        const jobs = async () => (await truthOf(mac)).jobs.includes(AGENT_LABEL)
        await waitFor(async () => !(await jobs()), 'the agent to be unloaded')
        await mac.powerCut()
        await mac.boot()
      },
      mend: (mac) => mac.must(['rm', '/root/struck'])
    }
  ),
  brings(
    'a daemon that removes the list of the agent',
    daemon('rm /Library/LaunchDaemons/org.nixos.belay-agent.plist'),
    {
      confirm: nobody,
      says: /nobody confirmed/
    }
  ),
  brings('a script that hangs', { hangAt: 'launchd', hangSeconds: 600 }, { says: /half-activated.*timeout/ }),
  brings(
    'a script that leaves a process behind',
    { forks: true },
    {
      ends: ['committed'],
      meanwhile: (mac) =>
        waitFor(async () => (await mac.run(['pgrep', '-f', '[s]leep 3333'])).code !== 0, 'its end')
    }
  ),
  brings('a script that floods its output', { floodBytes: 20_000_000 }, { ends: ['committed'] }),
  brings('a baseline of which a part is gone', good, {
    prepare: (mac) => mac.must(['sh', '-c', hideClosurePart]),
    mend: (mac) => mac.must(['sh', '-c', 'mv /nix/hidden "$(cat /nix/hidden-path)"']),
    ends: ['refused'],
    says: /is damaged/
  }),
  brings('somebody else who is switching', good, {
    prepare: async (mac) => {
      const other = await mac.build({ ...baseline, label: 'other', hangAt: 'checks', hangSeconds: 60 })
      await mac.must(['sh', '-c', `${other}/activate >/dev/null 2>&1 </dev/null & sleep 0.3`])
    },
    mend: (mac) => mac.must(['pkill', '-f', 'darwin-system-other/activat[e]']),
    ends: ['refused'],
    says: /somebody else is switching/
  }),
  brings('nobody at the screen, and then somebody', good, {
    prepare: (mac) => mac.login(0),
    meanwhile: async (mac) => {
      const waits = () => journalOf(mac).some(({ reason }) => /waiting for a user session/.test(reason ?? ''))
      await waitFor(waits, 'the wait')
      await mac.login(operatorUid)
    },
    ends: ['committed']
  }),
  brings('a rollback that fails once', failing, { prepare: breakRollback(1) }),
  brings('a script that fails, and then a rollback', { failAt: 'launchd' }, { prepare: breakRollback(2) }),
  brings('a rollback that fails until a person comes', failing, {
    phase: 'stuck',
    prepare: breakRollback(1000),
    meanwhile: async (mac: Mac) => {
      await mendRollback(mac)
      await mac.run(['belay-agent', 'rollback'])
    }
  }),
  brings(
    'a job of the user that changes, and is taken back',
    { userAgents: personal(': next; ') },
    { confirm: nobody }
  )
]
