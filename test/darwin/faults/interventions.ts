import { waitFor } from '../../fleet/host.ts'
import type { Mac } from '../mac.ts'
import { journalOf, truthOf } from '../truth.ts'
import type { MacFault } from './fault.ts'
import { baseline, good, macVictim, nobody, nobodyForLong, operatorUid, personal, state } from './fault.ts'

const says = /the guard brought the baseline back/
const plistOfGuard = (id: string) => `/Library/LaunchDaemons/org.belay.guard.${id}.plist`
const bootout = (mac: Mac, ...labels: readonly string[]) =>
  mac.must(['sh', '-c', labels.map((label) => `launchctl bootout system/${label}`).join('; ')])

/** Runner and agent are unloaded for good; the guard's countdown of minutes becomes one of a second. */
async function leaveTheGuardAlone(mac: Mac, id: string): Promise<void> {
  // The agent first: it would start the runner again.
  await bootout(mac, 'org.nixos.belay-agent', 'org.belay.operation')
  await hurryGuard(mac, id)
}

async function hurryGuard(mac: Mac, id: string): Promise<void> {
  const window = `${state}/operations/${id}/window`
  await mac.must(['sh', '-c', `read -r n s b g <${window}; echo "99 1 $b $g" >${window}`])
  const isBack = async () => (await truthOf(mac)).greeting === baseline.label
  await waitFor(isBack, 'the guard to work')
}

const whileConfirming = (name: string, rest: Partial<MacFault>): MacFault => ({
  name,
  phase: 'confirming',
  candidate: good,
  confirm: nobodyForLong,
  ends: ['rolled-back'],
  ...rest
})

/** What comes from outside while an operation waits or works. */
export const interventions: readonly MacFault[] = [
  whileConfirming('runner and agent gone for good: the guard', { meanwhile: leaveTheGuardAlone, says }),
  whileConfirming('Node gone, runner and agent killed: the guard', {
    meanwhile: async (mac, id) => {
      await mac.must(['mount', '--bind', '/dev/null', '/opt/belay/node'])
      await mac.must([
        'sh',
        '-c',
        "pkill -KILL -f 'run-operatio[n]'; pkill -KILL -f 'agent.js serv[e]'; true"
      ])
      await hurryGuard(mac, id)
      await mac.must(['umount', '/opt/belay/node'])
    },
    says
  }),
  whileConfirming('guard killed, runner and agent gone for good', {
    blows: (mac) => [macVictim.guard(mac)],
    meanwhile: leaveTheGuardAlone,
    says
  }),
  whileConfirming("the guard's property list removed by hand, runner and agent gone for good", {
    meanwhile: async (mac, id) => {
      await mac.must(['rm', plistOfGuard(id)])
      await leaveTheGuardAlone(mac, id)
    },
    says
  }),
  whileConfirming("the guard's property list removed by hand, then a power cut: the agent", {
    meanwhile: async (mac, id) => {
      await mac.must(['rm', plistOfGuard(id)])
      await mac.powerCut()
      await mac.boot()
    },
    says: /rebooted/
  }),
  whileConfirming('the guard unloaded by hand', {
    confirm: nobody,
    meanwhile: (mac, id) => bootout(mac, `org.belay.guard.${id}`),
    says: /nobody confirmed/
  }),
  whileConfirming("the agent's property list removed by hand, then a power cut: the guard alone", {
    meanwhile: async (mac) => {
      await mac.must(['rm', '/Library/LaunchDaemons/org.nixos.belay-agent.plist'])
      await mac.powerCut()
      await mac.boot()
    },
    says
  }),
  whileConfirming('power cut, and a directory without a journal', {
    power: true,
    prepare: (mac) => mac.must(['mkdir', `${state}/operations/20200101T000000000Z-deadbeef`]),
    blows: (mac) => [macVictim.power(mac)],
    mend: (mac) => mac.must(['rmdir', `${state}/operations/20200101T000000000Z-deadbeef`])
  }),
  whileConfirming('power cut, and nobody logs in for a while', {
    candidate: { ...good, userAgents: personal(': next; ') },
    meanwhile: async (mac) => {
      mac.setConsoleUser(0)
      await mac.powerCut()
      await mac.boot()
      await waitFor(() => journalOf(mac).some(({ to }) => to === 'stuck'), 'that it is stuck')
      await mac.login(operatorUid)
    }
  }),
  whileConfirming('the user logs out, and in again after the time is over', {
    candidate: { ...good, userAgents: personal(': next; ') },
    confirm: nobody,
    meanwhile: async (mac) => {
      await mac.login(0)
      await waitFor(() => journalOf(mac).some(({ to }) => to === 'stuck'), 'that it is stuck')
      await mac.login(operatorUid)
    },
    says: /nobody confirmed/
  }),
  whileConfirming('runner unloaded by hand', {
    confirm: 'person',
    meanwhile: (mac) => bootout(mac, 'org.belay.operation'),
    ends: ['committed']
  }),
  whileConfirming('runner unloaded by hand, then a rollback', {
    meanwhile: async (mac) => {
      await bootout(mac, 'org.belay.operation')
      await mac.run(['belay-agent', 'rollback'])
    },
    says: /cancelled/
  }),
  {
    name: 'a rollback while the script hangs',
    phase: 'activating',
    candidate: { hangAt: 'postActivation', hangSeconds: 600 },
    confirm: 'health',
    meanwhile: (mac) => mac.run(['belay-agent', 'rollback']),
    ends: ['rolled-back'],
    says: /cancelled/
  },
  whileConfirming('cancelled', {
    meanwhile: (mac) => mac.run(['belay-agent', 'rollback']),
    says: /cancelled/
  }),
  whileConfirming('network gone, the loopback with it', {
    confirm: nobody,
    meanwhile: (mac) => mac.must(['ip', 'link', 'set', 'lo', 'down']),
    mend: (mac) => mac.must(['ip', 'link', 'set', 'lo', 'up']),
    says: /nobody confirmed/
  }),
  whileConfirming('another system activated by hand', {
    confirm: 'person',
    meanwhile: (mac) => mac.must(['/nix/var/nix/profiles/system/activate']),
    says: /not the candidate/
  }),
  whileConfirming('the profile moved by hand', {
    confirm: 'person',
    meanwhile: async (mac) => {
      const other = await mac.build({ ...baseline, label: 'other' })
      await mac.must(['nix-env', '-p', '/nix/var/nix/profiles/system', '--set', other])
    },
    profileStays: true,
    says: /profile/
  }),
  whileConfirming('agent restarted by hand', {
    confirm: 'person',
    meanwhile: (mac) => mac.must(['launchctl', 'kickstart', '-k', 'system/org.nixos.belay-agent']),
    ends: ['committed']
  })
]
