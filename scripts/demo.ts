import { startCommand } from '../shared/command.ts'
import { belay, journalOf, realAgent, truthOf, writeFleetFile } from '../test/fleet/deployment.ts'
import { startFleet } from '../test/fleet/fleet.ts'
import type { Host } from '../test/fleet/host.ts'

/** The main job on real hosts, told for a newcomer. Exits 0 when every story ended as it should. */
const started = performance.now()
const say = (text = '') => process.stdout.write(`${text}\n`)
const step = (text: string) =>
  say(`\n[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s] ${text}`)
const short = (path: string) => path.replace(/^\/nix\/store\/(.{6}).{26}-/, '$1…-')

const WINDOW = 12
const stories = {
  cinnabar: {
    label: 'good',
    knobs: { services: { web: 'exec sleep infinity' } },
    ends: 'committed',
    about: 'adds a service. It should stay.'
  },
  electrum: {
    label: 'breaks-a-service',
    knobs: { failingUnit: true },
    ends: 'rolled-back',
    about: 'has a service that fails. It should be gone at once.'
  },
  galena: {
    label: 'cuts-the-network',
    knobs: { cutNetwork: true },
    ends: 'rolled-back',
    about: `takes the network down. Nobody can confirm, so it should be gone after ${WINDOW} s.`
  }
} as const
type Name = keyof typeof stories
const names = Object.keys(stories) as Name[]

step(
  'Booting three hosts and an operator: real systemd, real Nix, a network of their own, the agent installed as a service.'
)
await using fleet = await startFleet({ hosts: names, operator: true, agent: realAgent() })
writeFleetFile(fleet, WINDOW)
const before = new Map<string, string>()
for (const host of fleet.hosts) before.set(host.name, (await truthOf(host)).running)

step('The operator has a new generation for each host:')
for (const name of names) say(`  ${name.padEnd(9)} ${stories[name].label}: ${stories[name].about}`)
fleet.writeGenerations(
  Object.fromEntries(
    names.map((name) => [name, { generation: stories[name].label, agent: 'bundle', ...stories[name].knobs }])
  )
)

step('On the operator: belay deploy')
const deploy = fleet.operator.inside(
  ['belay', '--fleet', '/root/fleet.yaml', 'deploy', '--reason', 'demo'],
  120_000
)
await (await startCommand(deploy, { onStdoutLine: (line) => say(`  ${line}`) })).exited

step('What the hosts themselves say:')
let asTold = true
for (const host of fleet.hosts) asTold = (await tell(host)) && asTold

step('On the operator: belay status')
say((await belay(fleet, 'status')).stdout.trimEnd().replace(/^/gm, '  '))

step(asTold ? 'All three stories ended as they should.' : 'A story did NOT end as it should; see above.')
say(
  'Next: README.md (install it), ARCHITECTURE.md (how it works), test/fleet/ (these hosts, for your own experiments).'
)
process.exitCode = asTold ? 0 : 1

async function tell(host: Host): Promise<boolean> {
  const { ends } = stories[host.name as Name]
  const [truth, journal] = [await truthOf(host), await journalOf(host)]
  const stayed = truth.running !== before.get(host.name)
  const agree = truth.running === truth.profile && truth.running === truth.bootDefault
  say(`  ${host.name.padEnd(9)} ${journal.phases.join(' → ')}`)
  say(
    `            runs ${short(truth.running)} (${stayed ? 'the new generation' : 'the baseline'}); profile and next boot ${agree ? 'agree' : 'DISAGREE'}`
  )
  return (
    journal.phases.at(-1) === ends && stayed === (ends === 'committed') && agree && truth.failed.length === 0
  )
}
