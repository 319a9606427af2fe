import { userOf } from '../../../shared/api/profile.ts'
import { hostWitness } from '../../health/soak/witness.ts'
import { foldOperation } from '../../operation/state.ts'
import type { Platform } from '../platform.ts'
import { linuxBootId } from './boot-id.ts'
import { systemGoesDown } from './goes-down.ts'
import { nixosHost } from './nixos-host.ts'
import { sshSessionStart } from './session-start.ts'

/** NixOS. */
export const nixos: Platform = {
  bootId: async () => linuxBootId(),
  host: nixosHost,
  ports: async (options) => {
    const user = userOf(foldOperation(options.journal.records).accepted.profile)
    if (user === null) return (await import('./nixos-ports.ts')).nixosPorts(options)
    return (await import('../home/home-ports.ts')).homePorts({ ...options, user })
  },
  witness: hostWitness,
  measures: {},
  goesDown: systemGoesDown,
  sessionStart: () => sshSessionStart(),
  startRetention: async (config) => {
    const [{ startTransient }, { GC_UNIT, gcCommand }] = await Promise.all([
      import('./systemd.ts'),
      import('./units.ts')
    ])
    await startTransient(gcCommand(config), GC_UNIT)
  },
  rescue: async () => (await import('./rescue.ts')).nixosWay(),
  retention: async () => (await import('./retention.ts')).nixosShelf
}
