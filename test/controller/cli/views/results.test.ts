import t from 'tap'
import { resultsView } from '../../../../controller/cli/views/results.ts'
import { painter } from '../../../../controller/cli/views/text.ts'
import type { HostResult } from '../../../../controller/deploy/events.ts'
import { storePath } from '../../fakes/fleet-host.ts'

const result = (host: string, more: Partial<HostResult>): HostResult => ({
  host,
  outcome: 'committed',
  reason: '',
  code: null,
  storePath: storePath('b'),
  operation: 'op',
  seconds: 8,
  ...more
})

t.test('a table, the long reasons in full, and what to do next', (t) => {
  const text = resultsView(
    [
      result('cinnabar', {}),
      result('realgar', { outcome: 'rolled-back', code: 'deadline', reason: 'nobody confirmed' }),
      result('orpiment', {
        outcome: 'not-started',
        code: 'build-failed',
        reason: 'no\nline\u001b[2J',
        storePath: null
      })
    ],
    painter(false)
  )
  t.same(text.split('\n'), [
    '',
    'HOST      RESULT         TIME  GENERATION                      REASON',
    'cinnabar  ✔ committed    8s    bbbbbbb…-nixos-system-cinnabar',
    'realgar   ↩ rolled-back  8s    bbbbbbb…-nixos-system-cinnabar  deadline: nobody confirmed',
    'orpiment  ✖ not-started  8s    -                               build-failed: no',
    '',
    'orpiment: build-failed',
    '  no',
    '  line',
    '',
    '1 of 3 hosts run the new generation.',
    'The host runs its old generation again. Its journal: belay-agent log',
    ''
  ])
  t.match(resultsView([result('a', { outcome: 'unchanged' })], painter(false)), '1 of 1 host runs')
  const staged = resultsView([result('a', { outcome: 'staged' }), result('b', {})], painter(false))
  t.match(staged, '1 of 2 hosts run the new generation.')
  t.match(staged, /On the host: belay-agent reboot, and from a new session belay-agent confirm/)
  t.end()
})
