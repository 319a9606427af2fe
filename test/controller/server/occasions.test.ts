import t from 'tap'
import type { Decision } from '../../../controller/rollout/decide.ts'
import { occasionOf, occasionsOf } from '../../../controller/server/occasions.ts'

type Round = Pick<Decision, 'hosts' | 'stages'>
const since = '2026-03-02T09:00:00.000Z'
const host = (name: string, more: object) =>
  ({
    ...{ host: name, stage: 'peers', is: 'waiting', attempt: 1, reason: null, soakUntil: null },
    ...more
  }) as Round['hosts'][number]
const stage = (name: string, is: 'open' | 'later') => ({ name, is, done: 0, total: 2, because: null })

t.test('a stage that waits for a person is told, one behind it is not', async (t) => {
  const reason = { code: 'waiting-for-approval', since, text: '', unblock: '' }
  const hosts = [host('galena', { reason }), host('stibnite', { stage: 'last', reason })]
  const told = occasionsOf('r-1', { hosts, stages: [stage('peers', 'open'), stage('last', 'later')] })
  t.match(told, [
    { key: 'approval r-1 peers', message: { text: /belay rollout approve peers/, priority: 'normal' } }
  ])
  t.equal(told.length, 1)
})

t.test('harm is told once an attempt, and as urgent as it is', async (t) => {
  const regressed = (code: string, attempt: number) =>
    host('galena', {
      is: 'regressed',
      attempt,
      reason: { code, since, text: 'it went back', unblock: 'a person' }
    })
  const keyOf = (code: string, attempt: number) =>
    occasionsOf('r-1', { hosts: [regressed(code, attempt)], stages: [] })[0]
  t.match(keyOf('rolled-back', 1), { message: { title: /halted: galena is rolled-back/, priority: 'high' } })
  t.match(keyOf('stuck', 1), { message: { priority: 'urgent' } })
  t.equal(keyOf('rolled-back', 1)?.key, keyOf('rolled-back', 1)?.key)
  t.not(keyOf('rolled-back', 1)?.key, keyOf('rolled-back', 2)?.key)
  t.same(occasionsOf('r-1', { hosts: [host('galena', { is: 'done' })], stages: [] }), [])
})

t.test('of a host: that it went back, that it is stuck, and a verdict that says something', async (t) => {
  const event = (kind: string, data: object) => occasionOf({ at: since, kind, host: 'galena', data })
  t.match(event('operation', { operation: 'op-1', phase: 'rolled-back', message: 'nginx failed' }), {
    message: { title: 'galena rolled back', text: /nginx failed/ }
  })
  t.match(event('operation', { operation: 'op-1', phase: 'stuck', message: null }), {
    message: { priority: 'urgent' }
  })
  t.equal(event('operation', { operation: 'op-1', phase: 'committed', message: '' }), null)
  const verdict = (word: string) =>
    event('verdict', { verdict: word, storePath: '/nix/store/x', because: ['errors'] })
  t.equal(verdict('INSUFFICIENT EVIDENCE'), null)
  t.match(verdict('NO-GO'), { message: { priority: 'high', text: /- errors/ } })
  t.match(verdict('GO'), { message: { title: 'galena: the verdict is GO', priority: 'normal' } })
  t.equal(event('host-silent', { error: 'no route' }), null)
})

t.test('what a host says is no markup of ours', async (t) => {
  const bait = '[approve here](https://evil.example) <b>@all</b>'
  const plain = '\\[approve here\\](https://evil.example) \\<b\\>\\@all\\</b\\>'
  const reason = { code: 'rolled-back', since, text: bait, unblock: 'a person' }
  const [harm] = occasionsOf('r-1', { hosts: [host('galena', { is: 'regressed', reason })], stages: [] })
  t.ok(harm?.message.text.includes(plain))
  const of = (kind: string, data: object) => occasionOf({ at: since, kind, host: 'galena', data })
  t.ok(of('operation', { operation: 'o', phase: 'stuck', message: bait })?.message.text.includes(plain))
  const verdict = { verdict: 'NO-GO', storePath: '/nix/store/x', because: [bait] }
  t.ok(of('verdict', verdict)?.message.text.includes(plain))
})
