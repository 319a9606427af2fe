import t from 'tap'
import { userServiceChanges } from '../../../agent/preview/user-services.ts'

const files = (units: Readonly<Record<string, string>>, wanted: readonly string[] = []) => ({
  files: new Map(Object.entries(units)),
  dropins: new Map(),
  pulls: new Map([['default.target', wanted]]),
  aliases: new Map()
})
const before = files({
  'a.service': '[Service]\nExecStart=/a',
  'b.service': '[Service]\nExecStart=/b',
  'same.service': '[Service]\nExecStart=/s'
})
const after = files(
  {
    'b.service': '[Unit]\nX-SwitchMethod=keep-old\n[Service]\nExecStart=/b2',
    'c.service': '[Service]\nExecStart=/c',
    'd.service': '[Service]\nExecStart=/d',
    'same.service': '[Service]\nExecStart=/s'
  },
  ['c.service']
)

t.test('gone is stopped, new and wanted is started, changed is as its X-SwitchMethod says', async (t) => {
  const running = new Set(['a.service', 'b.service', 'same.service'])
  t.match(userServiceChanges(before, after, running), [
    { unit: 'a.service', change: 'removed', action: 'stop' },
    { unit: 'b.service', change: 'changed', action: 'keep', whenRunning: 'keep' },
    { unit: 'c.service', change: 'added', action: 'start' },
    { unit: 'd.service', change: 'added', action: 'none' }
  ])
  const changed = files({ 'a.service': '[Service]\nExecStart=/a2' })
  const one = files({ 'a.service': '[Service]\nExecStart=/a' })
  t.match(userServiceChanges(one, changed, new Set(['a.service'])), [{ action: 'restart' }])
  t.match(userServiceChanges(one, changed, new Set()), [{ action: 'none', whenRunning: 'restart' }])
})

t.test('without a service manager nothing is done, and the plan is the same', async (t) => {
  const away = userServiceChanges(before, after, null)
  t.ok(away.every(({ action, reason }) => action === 'none' && /logs in/.test(reason)))
  const here = userServiceChanges(before, after, new Set(['a.service']))
  const matters = (all: typeof away) =>
    all.map(({ unit, change, whenRunning }) => ({ unit, change, whenRunning }))
  t.same(matters(away), matters(here))
})
