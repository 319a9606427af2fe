import type { CommandOptions, CommandResult } from '../../../shared/command.ts'
import { runCommand } from '../../../shared/command.ts'

/**
 * `nix store verify` of a path and all that it needs, past the daemon. The exit code is a bit mask: 1 corrupted, 2
 * untrusted, 4 other.
 */
export function verifyClosure(
  storePath: string,
  asked: readonly string[],
  options: Pick<CommandOptions, 'timeoutMs' | 'signal'>
): Promise<CommandResult> {
  const nix = ['nix', '--extra-experimental-features', 'nix-command', 'store', 'verify', '--recursive']
  return runCommand([...nix, ...asked, storePath], { ...options, env: { NIX_REMOTE: '' } })
}
