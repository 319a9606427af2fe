import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hands, Order } from '../../rescue/carry-out.ts'
import { MARGIN_MS } from '../../rescue/carry-out.ts'
import { quoted } from '../../rescue/quote.ts'
import type { Way } from '../../rescue/way.ts'
import { activation } from './activation.ts'
import { bootSession } from './boot-id.ts'
import {
  ACTIVATION_LABEL,
  AGENT_LABEL,
  guardLabel,
  guardPlist,
  LAUNCH_DAEMONS,
  RUNNER_LABEL
} from './jobs.ts'
import { observe } from './observe.ts'
import { readOutput } from './output.ts'
import { RESCUE_SCRIPT } from './rescue-script.ts'
import { tools } from './tools.ts'

/** What the job of the switch needs and writes. Not below the state directory, which may be full or gone. */
const DIRECTORY = '/private/var/run/belay-rescue'
const AGENT_PLIST = join(LAUNCH_DAEMONS, `${AGENT_LABEL}.plist`)

/** The way back of a Mac. */
export const darwinWay: Way = {
  observe: ({ profile }) => observe(profile),
  bootId: bootSession,
  isSwitchable: async (storePath) => (await lstat(join(storePath, 'activate')).catch(() => null)) !== null,
  stop,
  // A boot takes what the profile names.
  boot: () => null,
  // Its script removes what the system that runs has and its own has not: see mac-activate.sh.
  switch: (system, left) => {
    const activate = `${system}/activate`
    if (left === null) return [activate]
    return [tools.sh, '-c', `ln -sfn ${quoted([left])} /run/current-system; ${quoted([activate])}`]
  },
  harmless: {},
  runSwitch,
  sync: () => [tools.sync],
  startAgent,
  hints: {
    restart: 'shutdown -r now',
    failed: '/var/log/belay-agent.log and launchctl list',
    agent: `launchctl print system/${AGENT_LABEL}`,
    lastResort: () => 'restart the machine: it brings what the system profile names'
  },
  script: RESCUE_SCRIPT
}

/** A loaded job is there until `print` does not find it. The guard goes from the disk as well: a boot would load it. */
function stop(operation: string | null): readonly string[] {
  // The agent first: it starts runners again.
  const labels = [
    AGENT_LABEL,
    RUNNER_LABEL,
    ACTIVATION_LABEL,
    ...(operation === null ? [] : [guardLabel(operation)])
  ]
  const gone = 'while launchctl print "system/$job" >/dev/null 2>&1; do sleep 1; done'
  const each = `for job in ${labels.join(' ')}; do launchctl bootout "system/$job"; ${gone}; done`
  return [tools.sh, '-c', operation === null ? each : `rm -f ${guardPlist(operation)}; ${each}`]
}

/** In the job of every activation: nobody else can begin one meanwhile. */
async function runSwitch(
  { plan, settings, hands, tell }: Order,
  argv: readonly string[]
): Promise<number | null> {
  const limitSeconds = settings.limits.activationSeconds
  const { start, finish } = activation({ directory: DIRECTORY, limitSeconds })
  tell({ type: 'command', command: quoted(argv) })
  try {
    await start(plan.target.storePath, plan.left)
  } catch {
    tell({ type: 'note', text: 'launchd did not start it; once more without a job.' })
    const line = (text: string) => tell({ type: 'output', line: text })
    return (await hands.run(argv, limitSeconds * 1000, line)).code
  }
  const outcome = await finish(async () => false)
  for (const text of await readOutput(DIRECTORY)) tell({ type: 'output', line: text })
  return outcome?.code === 'exit' ? Number(outcome.status) : null
}

async function startAgent({ run }: Hands): Promise<boolean> {
  await run([tools.launchctl, 'bootstrap', 'system', AGENT_PLIST], MARGIN_MS, () => {})
  return (await run([tools.launchctl, 'print', `system/${AGENT_LABEL}`], MARGIN_MS, () => {})).code === 0
}
