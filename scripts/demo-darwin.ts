import { Mac } from '../test/darwin/mac.ts'
import { belayArgv, equipOperator, NAME, writeSystem } from '../test/darwin/operator.ts'
import type { System } from '../test/darwin/system.ts'
import { journalOf, truthOf } from '../test/darwin/truth.ts'

/** The three stories of the demo on a stand-in for a Mac. Exits 0 when every one ended as it should. */
const started = performance.now()
const say = (text = '') => process.stdout.write(`${text}\n`)
const step = (text: string) =>
  say(`\n[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s] ${text}`)
const short = (path: string) => path.replace(/^\/nix\/store\/(.{6}).{26}-/, '$1…-')

const WINDOW = 12
const config = { hostName: NAME, limits: { agentSeconds: 15, activationSeconds: 60 } }
const web = 'exec sleep 100000'
const files = (greeting: string) => ({ 'etc/greeting': `${greeting}\n` })
// Unloaded by the way back, it gives the network back.
const noNetwork = "trap 'ip link set lo up' TERM; ip link set lo down; sleep 100000 & wait"
const stories: readonly (System & { readonly ends: string; readonly about: string })[] = [
  {
    label: 'breaks-a-daemon',
    daemons: { 'org.nixos.web': 'exit 1' },
    ends: 'rolled-back',
    about: 'has a daemon that fails. It should be gone at once.'
  },
  {
    label: 'cuts-the-network',
    daemons: { 'org.nixos.no-network': noNetwork },
    ends: 'rolled-back',
    about: `takes the network down. Nobody can confirm, so it should be gone after ${WINDOW} s.`
  },
  {
    label: 'good',
    daemons: { 'org.nixos.web': web },
    ends: 'committed',
    about: 'adds a daemon. It should stay.'
  }
]

step(
  `Starting ${NAME}, a STAND-IN for a Mac: launchd is a program of the tests, processes, Nix, ssh and files are real.`
)
await using mac = await Mac.start({ label: 'baseline', files: files('baseline'), config })
await equipOperator(mac, WINDOW)
const before = await truthOf(mac)

let asTold = true
for (const { ends, about, ...story } of stories) {
  step(`belay deploy: ${story.label} ${about}`)
  writeSystem(mac, { ...story, files: files(story.label), config })
  const { stdout } = await mac.run(belayArgv('deploy', '--host', NAME, '--reason', 'demo'), 180_000)
  say(stdout.trimEnd().replace(/^/gm, '  '))
  const truth = await truthOf(mac)
  const phases = journalOf(mac).flatMap(({ to }) => to ?? [])
  const stayed = truth.running !== before.running
  say(`  ${NAME} itself: ${phases.join(' → ')}`)
  say(
    `  runs ${short(truth.running)} (${stayed ? 'the new generation' : 'the baseline'}), profile ${short(truth.profile)}`
  )
  const agree = truth.running === truth.profile && truth.greeting === (stayed ? story.label : 'baseline')
  asTold &&= phases.at(-1) === ends && stayed === (ends === 'committed') && agree
}

step(asTold ? 'All three stories ended as they should.' : 'A story did NOT end as it should; see above.')
say(
  'Next: docs/darwin.md (what was tried, and what only a real Mac can tell), docs/darwin-acceptance.md (try yours).'
)
process.exitCode = asTold ? 0 : 1
