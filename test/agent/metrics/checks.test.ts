import t from 'tap'
import { checkMetrics } from '../../../agent/metrics/checks.ts'
import type { CheckState } from '../../../shared/api/checks.ts'
import { runCommand } from '../../../shared/command.ts'

const state = {
  ...{
    name: 'web',
    severity: 'critical',
    unit: 'seconds',
    measures: 'duration',
    durationSeconds: 0.5,
    failing: false
  },
  ...{ result: 'pass', value: 0.25, ranAt: '1970-01-01T00:00:10.000Z' }
} as CheckState

t.test('the metrics are what the checks found last', async (t) => {
  let states: readonly CheckState[] = [
    state,
    { ...state, name: 'new', result: null, value: null, ranAt: null }
  ]
  const text = checkMetrics({ states: () => states })
  const scrape = async () => (await text()).split('\n').filter((line) => !line.startsWith('#'))
  const first = await scrape()
  for (const line of [
    'belay_agent_check_result{check="web",result="pass"} 1',
    'belay_agent_check_result{check="web",result="fail"} 0',
    'belay_agent_check_success{check="web"} 1',
    'belay_agent_check_failing{check="web",severity="critical"} 0',
    'belay_agent_check_duration_seconds{check="web"} 0.5',
    'belay_agent_check_last_run_timestamp_seconds{check="web"} 10',
    'belay_agent_check_value{check="web",unit="seconds",measures="duration"} 0.25',
    'belay_agent_check_result{check="new",result="pass"} 0'
  ])
    t.ok(first.includes(line), line)
  t.notOk(
    first.some((line) => /_(success|value|duration_seconds)\{check="new"/.test(line)),
    'nothing before the first run'
  )
  t.same(await scrape(), first)
  states = [{ ...state, result: 'unknown', value: null, ranAt: '1970-01-01T00:00:20.000Z', failing: true }]
  const later = await scrape()
  t.ok(later.includes('belay_agent_check_success{check="web"} 0'))
  t.ok(later.includes('belay_agent_check_failing{check="web",severity="critical"} 1'))
  t.notOk(
    later.some((line) => line.startsWith('belay_agent_check_value{check="web"')),
    'no value of before'
  )
  const input = await text()
  t.match(await runCommand(['promtool', 'check', 'metrics'], { timeoutMs: 20_000, input }), {
    code: 0,
    stderr: ''
  })
})
