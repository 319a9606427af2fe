import fc from 'fast-check'
import t from 'tap'
import { guardedIn, runnerOf } from '../../../../agent/platform/darwin/audit-witness.ts'

const id = (n: number) => `2026010${n}T080000000Z-0000000${n}`
/** Made up after what people show of launchd's records; no Mac was asked. */
const record = (eventMessage: string, processImagePath = '/sbin/launchd') =>
  JSON.stringify({ timestamp: '2026-01-01 08:00:00.000000+0100', processImagePath, eventMessage })

t.test('operations whose guard launchd has loaded', async (t) => {
  const log = [
    'Filtering the log data using "…"',
    record(`[system/org.belay.guard.${id(1)} [512]:] xpcproxy spawned with pid 512`),
    record(`system/org.belay.guard.${id(1)}: exited`),
    record(`[system/org.belay.guard.${id(2)}:] Successfully spawned sh[513] because speculative`),
    record(`[gui/501/org.belay.guard.${id(3)}:] a job of a user`),
    record(`[system/org.belay.guard.${id(4)}:] said by another`, '/usr/bin/logger'),
    record(`x [system/org.belay.guard.${id(5)}:] not in front`),
    record('[system/org.belay.guard.nonsense:] no identity'),
    record(`[system/org.belay.guard.${id(6)}`).slice(0, -2),
    'null',
    '{"count":9,"finished":1}'
  ].join('\n')
  t.same(guardedIn(log), [id(1), id(2)])
  t.same(guardedIn(''), [])
  fc.assert(fc.property(fc.string(), (text) => guardedIn(text).length === 0))
})

t.test('whose runner it is', async (t) => {
  t.equal(runnerOf(`/var/lib/belay/operations/${id(1)}/runner.plist`), id(1))
  for (const none of [null, '', '/Library/LaunchDaemons/x.plist']) t.equal(runnerOf(none), null)
})
