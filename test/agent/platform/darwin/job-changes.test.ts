import t from 'tap'
import { readEffects } from '../../../../agent/platform/darwin/irreversible.ts'
import { changedKeys, jobChanges } from '../../../../agent/platform/darwin/job-changes.ts'
import { parsePlist, writePlist } from '../../../../agent/platform/darwin/plist.ts'
import { defaultsChanges, macNotCovered } from '../../../../agent/platform/darwin/preview.ts'

const job = (label: string, more: object = {}, folder = 'Library/LaunchDaemons' as const) => {
  const text = writePlist({ Label: label, RunAtLoad: true, ...more })
  return { folder, label, text, plist: parsePlist(text) }
}

t.test('jobs that come, go and change', async (t) => {
  const before = [job('a'), job('b', { ThrottleInterval: 5 }), job('c')]
  const after = [job('a'), job('b', { ThrottleInterval: 6, KeepAlive: true }), job('d')]
  t.same(jobChanges(before, after), [
    {
      ...{ unit: 'b', change: 'changed', action: 'restart', whenRunning: 'restart' },
      reason: 'KeepAlive, ThrottleInterval of the daemon changed'
    },
    { unit: 'c', change: 'removed', action: 'stop', whenRunning: 'stop', reason: 'the daemon is removed' },
    { unit: 'd', change: 'added', action: 'start', whenRunning: 'start', reason: 'a new daemon' }
  ])
  t.same(jobChanges(before, before), [])
})

t.test('an activation compares texts: another writing of the same is loaded anew as well', async (t) => {
  const again = { ...job('a'), text: `${job('a').text}\n` }
  t.match(jobChanges([job('a')], [again]), [{ action: 'restart', reason: /writing of its list/ }])
  const unreadable = { ...job('a'), text: 'bplist00', plist: null }
  t.match(jobChanges([job('a')], [unreadable]), [{ action: 'restart', reason: /its property list/ }])
  t.equal(changedKeys([], {}), null)
})

t.test('settings, and what a rollback does not take back', async (t) => {
  const old = readEffects('defaults write a x 1\ndefaults write a y 1')
  const now = readEffects('defaults write a y 2\ndefaults write a z 1\nbrew bundle --cleanup\nnvram a=b')
  const defaults = defaultsChanges(old, now)
  t.same(defaults, [
    { name: 'a x', change: 'removed' },
    { name: 'a y', change: 'changed' },
    { name: 'a z', change: 'added' }
  ])
  const found = macNotCovered(now, { applications: [], defaults })
  t.same(
    found.map(({ code }) => code),
    ['homebrew', 'defaults', 'machine']
  )
  t.match(found[0]?.text, /removes/)
  t.match(found[1]?.text, /: a z\.$/)
  t.same(macNotCovered(old, { applications: [], defaults: [] }), [])
})
