import type { DryActivation } from '../../../shared/api/plan.ts'
import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { readDryActivation } from '../../preview/dry-activate.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'

/** Seconds that the script may take. */
const LIMIT = 120

/**
 * Runs the generation's own `dry-activate`, outside of this process and of its limits. It has the name of the activation
 * unit: while it runs nothing is activated, and while something is activated it does not run.
 */
export async function dryActivate(toplevel: string): Promise<DryActivation> {
  const unit = ['systemd-run', '--collect', '--no-ask-password', '--quiet', '--wait', '--pipe']
  const limits = [`--property=RuntimeMaxSec=${LIMIT}`, '--property=TimeoutStopSec=10']
  const argv = [...unit, `--unit=${ACTIVATION_UNIT}`, '--service-type=exec', ...limits, '--']
  const { code, stdout, stderr, timedOut } = await runCommand(
    [...argv, `${toplevel}/bin/switch-to-configuration`, 'dry-activate'],
    { timeoutMs: (LIMIT + 20) * 1000 }
  )
  if (/already loaded|already exists/.test(stderr) || code === 11) {
    const text = 'somebody else is switching this host'
    throw new BelayError('operation-running', text, { found: ACTIVATION_UNIT, wanted: 'no such unit' })
  }
  if (code === 0) return readDryActivation(`${stderr}\n${stdout}`)
  const end = stderr.trim().split('\n').slice(-5).join('\n')
  const what = timedOut ? `did not end within ${LIMIT} s` : `exited with ${code}: ${end}`
  throw new BelayError('command-failed', `dry-activate ${what}`, { found: code, wanted: 0 })
}
