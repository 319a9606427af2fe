import t from 'tap'
import { onceEnded } from '../../../agent/metrics/once-ended.ts'

t.test('an agent that comes back with fewer journals counts none of them anew', async (t) => {
  const now = Date.parse('2026-05-01T12:00:00Z')
  const at = (hours: number, phase: 'rolled-back' | 'confirming' = 'rolled-back') => ({
    key: `${hours}`,
    state: { phase, updatedAt: new Date(now - hours * 3_600_000).toISOString() }
  })
  const keys = (all: readonly { readonly key: string }[]) => all.map(({ key }) => key)
  const news = onceEnded(() => now)
  t.same(keys(news([at(300), at(200), at(0.5), at(0.1, 'confirming')])), ['0.5'], 'it may have been away')
  t.same(keys(news([at(200), at(0.5), at(0.1)])), ['0.1'])
  t.same(keys(news([at(200), at(0.5), at(0.1)])), [])
  t.same(keys(news([at(0.1), at(48)])), ['48'], 'the clock was set back meanwhile')
})
