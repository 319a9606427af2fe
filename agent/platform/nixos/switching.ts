import { runCommand } from '../../../shared/command.ts'
import { isRunning } from './systemd.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'

/** Who switches this host at this moment, by hand or otherwise: the unit, or the lock that is held; null for nobody. */
export async function whoSwitches(): Promise<string | null> {
  const unit = `${ACTIVATION_UNIT}.service`
  return (await isRunning(unit)) ? unit : holderOfLock()
}

/** The lock that switch-to-configuration takes, where somebody holds it. */
async function holderOfLock(): Promise<string | null> {
  const lock = '/run/nixos/switch-to-configuration.lock'
  const { code } = await runCommand(['flock', '--nonblock', '--no-fork', '-E', '11', lock, 'true'], {
    timeoutMs: 10_000
  })
  return code === 11 ? lock : null
}
