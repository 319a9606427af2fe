import t from 'tap'
import { foldLedger } from '../../../../agent/health/soak/fold.ts'
import type { Happening, LedgerEvent } from '../../../../agent/health/soak/ledger-event.ts'
import { noCount } from '../../../../agent/health/soak/soak-clock.ts'

const at = '2026-05-01T00:00:00.000Z'
const event = (what: Happening): LedgerEvent => ({
  sign: { at, bootId: 'b1', monotonicMs: 0, bootMs: 0 },
  count: noCount,
  what
})
const begun = event({
  ...{ type: 'begun', soak: '20260501T000000000Z', cause: 'found', operation: null, baselinePath: null },
  ...{ generation: { number: 1, storePath: '/nix/store/a' }, baseline: null, activationSeconds: null }
})
const opened = (id: string, status: 'open' | 'resolved') => {
  const resolvedAt = status === 'open' ? null : at
  const when = { openedAt: at, openedBy: 'rule: check disk', resolvedAt, workaround: null }
  const incident = { id, status, severity: 'minor', description: 'full', ...when } as const
  return event({ type: 'incident-opened', rule: 'check disk', incident })
}

t.test('an open incident is not forgotten for many that are over', async (t) => {
  const over = Array.from({ length: 320 }, (_, i) => opened(`x-${i + 2}`, 'resolved'))
  const { incidents } = foldLedger([begun, opened('x-1', 'open'), ...over])
  t.equal(incidents.length, 300)
  t.equal(incidents[0]?.id, 'x-1')
  t.equal(incidents.at(-1)?.id, 'x-321')
  const open = Array.from({ length: 301 }, (_, i) => opened(`x-${i + 1}`, 'open'))
  t.equal(foldLedger([begun, ...open]).incidents[0]?.id, 'x-2', 'there is an end')
})
