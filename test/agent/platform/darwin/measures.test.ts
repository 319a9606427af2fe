import fc from 'fast-check'
import t from 'tap'
import type { World } from '../../../../agent/health/kinds/kind.ts'
import { macMeasures, readLog } from '../../../../agent/platform/darwin/measures.ts'
import { judgeRunning } from '../../../../agent/platform/darwin/running-jobs.ts'
import type { BoundedResult } from '../../../../shared/command.ts'

/** As the manual and reports show `log show --style ndjson`, shortened. */
const log = `Filtering the log data using "messageType == 16 OR messageType == 17"
{"timestamp":"2026-06-29 15:54:42.063082+0200","messageType":"Error","eventType":"logEvent","eventMessage":"connection lost","processImagePath":"/usr/libexec/a","bootUUID":"X"}
{"timestamp":"2026-06-29 15:54:43.063082+0200","messageType":"Fault","eventMessage":"known nuisance","subsystem":"b"}
{"timestamp":"2026-06-29 15:54:44.063082+0200","messageType":"Default","eventMessage":"all is well"}
{"timestamp":"2026-06-29 15:54:45.0
{"count":3,"finished":1}
`

const world = (answer: Partial<BoundedResult>) =>
  ({ run: async () => ({ code: 0, stdout: '', stderr: '', ended: 'exited', ...answer }) }) as unknown as World

t.test('errors of the log, at the rate of an hour', async (t) => {
  t.same(readLog(log, []), ['connection lost', 'known nuisance'])
  t.same(readLog(log, ['nuisance']), ['connection lost'])
  fc.assert(fc.property(fc.string(), (each) => readLog(each, []).length === 0))
  const measure = macMeasures['log-errors']?.({ ignore: [], warn: 20, fail: null })
  t.match(await measure?.(world({ stdout: log })), { result: 'warn', value: 24, message: /connection lost/ })
  t.match(await measure?.(world({ stdout: log, code: null, ended: 'flood' })), { value: 24 })
  const refuses = async () => void (await measure?.(world({ code: 64, stderr: 'log: bad predicate' })))
  await t.rejects(refuses, /bad predicate/)
})

t.test('jobs that must run', async (t) => {
  const list = 'PID\tStatus\tLabel\n7\t0\torg.nixos.web\n-\t1\torg.nixos.db\n'
  const measure = (units: readonly string[]) => macMeasures.service?.({ units })(world({ stdout: list }))
  t.match(await measure(['org.nixos.web']), { result: 'pass' })
  t.match(await measure(['org.nixos.db', 'org.nixos.gone']), {
    result: 'fail',
    message: 'org.nixos.db does not run (1), org.nixos.gone is not loaded'
  })
  t.match(judgeRunning([], []), { result: 'pass' })
  const service = macMeasures.service?.({ units: ['a'] })
  await t.rejects(async () => void (await service?.(world({ code: 1, stderr: 'no' }))), /no/)
})
