import { lstat, readFile, rm } from 'node:fs/promises'
import { clean } from '../../../shared/clean.ts'
import type { Hands, Order } from '../../rescue/carry-out.ts'
import { MARGIN_MS } from '../../rescue/carry-out.ts'
import type { Plan } from '../../rescue/plan.ts'
import { quoted } from '../../rescue/quote.ts'
import type { Way } from '../../rescue/way.ts'
import { linuxBootId } from './boot-id.ts'
import { FIGHTERS } from './fighters.ts'
import { observe } from './observe.ts'
import { RESCUE_SCRIPT } from './rescue-script.ts'
import { RUNNER_UNIT } from './units.ts'

const stc = (system: string) => `${system}/bin/switch-to-configuration`

/** The way back of a host with NixOS. Another `run` in tests. */
export function nixosWay(run = '/run'): Way {
  return {
    observe: ({ profile, bootDirectory }) => observe({ profile, run, boot: bootDirectory }),
    bootId: async () => linuxBootId(),
    isSwitchable: async (storePath) => (await lstat(stc(storePath)).catch(() => null)) !== null,
    stop: () => ['systemctl', 'stop', ...FIGHTERS],
    boot: (system) => [stc(system), 'boot'],
    // It compares with the units that there are, whosever they be.
    switch: (system) => [stc(system), 'test'],
    // 5: a unit that is not loaded cannot be stopped. 4: some unit somewhere has failed; the system runs all the same.
    harmless: { stop: 5, switch: 4 },
    runSwitch,
    sync: ({ profile, bootDirectory }) => ['sync', '-f', profile, bootDirectory],
    startAgent,
    hints: {
      restart: 'systemctl reboot',
      failed: 'systemctl --failed',
      agent: 'systemctl status belay-agent',
      lastResort: (plan) => `restart the machine and choose ${bootChoice(plan)} in the boot menu`
    },
    script: RESCUE_SCRIPT
  }
}

/** What a person looks for in the boot menu. */
function bootChoice(plan: Plan | null): string {
  if (plan === null) return 'a generation'
  return plan.bootEntry === null ? `generation ${plan.chosen.number}` : `"${clean(plan.bootEntry)}"`
}

/**
 * In a unit of its own, so that the end of this session does not end it, and under the runner's name: the switch starts
 * the agent again, and no runner is to begin meanwhile. The description ends as that of the operation's runner does, or
 * the agent would wait for the name, and the switch for the agent.
 */
async function runSwitch(
  { plan, settings, hands, tell }: Order,
  argv: readonly string[]
): Promise<number | null> {
  const { activationSeconds } = settings.limits
  const description = ['Belay rescue', plan.operation?.id ?? ''].join(' ').trim()
  const command = [
    ...['systemd-run', `--unit=${RUNNER_UNIT}`, `--description=${description}`, '--collect', '--quiet'],
    ...[
      '--no-ask-password',
      '--service-type=exec',
      '--wait',
      `--property=RuntimeMaxSec=${activationSeconds}`
    ],
    ...[`--property=StandardOutput=file:${hands.log}`, '--property=StandardError=inherit', '--', ...argv]
  ]
  await rm(hands.log, { force: true })
  tell({ type: 'command', command: quoted(command) })
  const line = (text: string) => tell({ type: 'output', line: text })
  const { code } = await hands.run(command, activationSeconds * 1000 + MARGIN_MS, line)
  const began = (await lstat(hands.log).catch(() => null)) !== null
  for (const text of (await readFile(hands.log, 'utf8').catch(() => '')).split('\n').filter(Boolean))
    line(text)
  if (began) return code
  tell({ type: 'note', text: 'The service manager did not start it; once more without a unit.' })
  tell({ type: 'command', command: quoted(argv) })
  return (await hands.run(argv, activationSeconds * 1000, line)).code
}

/** The agent of the system that runs now. The switch has started it already, as a rule. */
async function startAgent({ run }: Hands): Promise<boolean> {
  const unit = 'belay-agent.service'
  await run(['systemctl', 'start', unit], MARGIN_MS, () => {})
  return (await run(['systemctl', 'is-active', '--quiet', unit], MARGIN_MS, () => {})).code === 0
}
