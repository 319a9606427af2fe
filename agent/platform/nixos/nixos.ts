import { userOf } from '../../../shared/api/profile.ts'
import { hostWitness } from '../../health/soak/witness.ts'
import { foldOperation } from '../../operation/state.ts'
import type { Platform } from '../platform.ts'
import { linuxBootId } from './boot-id.ts'
import { systemGoesDown } from './goes-down.ts'
import { networkProgram } from './network-unit.ts'
import { nixosHost } from './nixos-host.ts'
import { sshSessionStart } from './session-start.ts'

/** NixOS. */
export const nixos: Platform = {
  bootId: async () => linuxBootId(),
  host: nixosHost,
  ports: async (options) => {
    const { profile, homes = [] } = foldOperation(options.journal.records).accepted
    const user = userOf(profile)
    if (user === null) {
      const system = (await import('./nixos-ports.ts')).nixosPorts(options)
      if (homes.length === 0) return system
      const [{ withHomes }, { homePart }] = await Promise.all([
        import('../home/with-homes.ts'),
        import('../home/part.ts')
      ])
      return withHomes(
        system,
        homes.map((home) => homePart(home, options)),
        options
      )
    }
    return (await import('../home/home-ports.ts')).homePorts({ ...options, user })
  },
  witness: async (bootId) => hostWitness(bootId),
  audit: async () => (await import('./audit-witness.ts')).systemdWitness,
  network: networkProgram,
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
