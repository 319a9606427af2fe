import t from 'tap'
import { darwinChecks } from '../../../agent/platform/darwin/preflight.ts'
import { homeSecrets } from '../../../agent/platform/home/secrets.ts'
import { nixosChecks } from '../../../agent/platform/nixos/preflight.ts'
import type { Check } from '../../../agent/preflight/check.ts'

t.test('every platform looks at secrets in both directions, and has no check twice', async (t) => {
  const all: Readonly<Record<string, readonly Check[]>> = {
    nixos: nixosChecks,
    darwin: darwinChecks,
    home: homeSecrets('alice')
  }
  for (const [platform, checks] of Object.entries(all)) {
    const names = checks.map(({ name }) => name)
    t.ok(names.includes('secrets') && names.includes('baseline-secrets'), platform)
    t.equal(new Set(names).size, names.length, platform)
  }
})
