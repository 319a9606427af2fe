import { isOpen } from '../../shared/window.ts'
import type { Settings } from '../config/settings.ts'

/** Whether the policy alone has a staged generation booted now: in a maintenance window, of which there must be one. */
export function rebootIsDue(
  { reboot, windows }: Pick<Settings, 'reboot' | 'windows'>,
  nowMs: number
): boolean {
  return reboot.policy === 'in-window' && windows.length > 0 && isOpen(windows, nowMs)
}
