import type { FleetHost } from '../../../controller/inventory/fleet.ts'
import { parseFleet } from '../../../controller/inventory/load.ts'

/** A host as the fleet file gives it; `yaml` is its entry in flow style. */
export function fleetHost(name = 'cinnabar', yaml = '{}'): FleetHost {
  const [host] = parseFleet(`version: 1\nhosts:\n  ${name}: ${yaml}\n`, '/fleet/fleet.yaml').hosts
  if (host === undefined) throw new Error('no host')
  return host
}

/** A store path that tells itself apart by one letter. */
export const storePath = (letter: string) => `/nix/store/${letter.repeat(32)}-nixos-system-cinnabar`
