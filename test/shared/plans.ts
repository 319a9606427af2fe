import type { Plan } from '../../shared/api/plan.ts'
import { planHash } from '../../shared/api/plan.ts'

const path = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`

/** A plan in which nothing changes, but for what is given. */
export function plan(given: Partial<Omit<Plan, 'hash'>> = {}): Plan {
  const body: Omit<Plan, 'hash'> = {
    host: 'cinnabar',
    profile: 'system',
    from: path('a', 'nixos-system-cinnabar-24.11'),
    to: path('b', 'nixos-system-cinnabar-25.05'),
    at: '2026-01-01T00:00:00.000Z',
    closure: { before: { paths: 1, bytes: 1024 }, after: { paths: 1, bytes: 1024 }, added: 1, removed: 1 },
    packages: [],
    services: [],
    files: [],
    reboot: { required: false, recommended: false, causes: [] },
    secrets: [],
    notCovered: [],
    dryActivation: null,
    ...given
  }
  return { hash: planHash(body), ...body }
}
