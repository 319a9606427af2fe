import t from 'tap'
import { parseChecks } from '../../../agent/config/checks.ts'
import { parseSettings } from '../../../agent/config/settings.ts'
import type { Votes } from '../../../agent/health/votes.ts'
import { isWorse, settledVotes, votesSeconds, votingChecks } from '../../../agent/health/votes.ts'
import type { CheckResult } from '../../../shared/verdict/evidence.ts'
import { checkResults } from '../../../shared/verdict/evidence.ts'

const places = { stateDirectory: '/var/lib/belay', bootDirectory: '/boot' }

t.test('only what is new blocks', async (t) => {
  const blocking: string[] = []
  for (const before of [undefined, ...checkResults])
    for (const after of checkResults)
      for (const mustKnow of [false, true])
        if (isWorse(before, after, mustKnow)) blocking.push(`${before} ${after} ${mustKnow}`)
  t.same(blocking, [
    ...['pass fail false', 'pass fail true', 'pass unknown true', 'warn fail false', 'warn fail true'],
    ...['warn unknown true', 'unknown fail false', 'unknown fail true']
  ])
})

t.test('what was restarted gets a moment, and no more', async (t) => {
  const voting = parseChecks(
    { a: { kind: 'memory', votes: true }, b: { kind: 'memory', votes: true, mustKnow: true } },
    places
  )
  const before: Votes = { a: 'pass', b: 'pass' }
  const settle = async (polls: readonly Partial<Record<'a' | 'b', CheckResult>>[]) => {
    const asked: string[][] = []
    const answer = await settledVotes({
      voting,
      before,
      wait: async () => asked.length < polls.length,
      poll: async (only) => {
        const results = Object.entries(polls[asked.length] ?? {}).filter(([name]) => only(name))
        asked.push(results.map(([name]) => name))
        return results.map(([check, result]) => ({
          ...{ check, result, at: 0, value: null, durationMs: 0, message: `it is ${result}` }
        }))
      }
    })
    return { answer, asked }
  }
  t.same(await settle([{ a: 'pass', b: 'warn' }]), { answer: null, asked: [['a', 'b']] })
  t.same(
    await settle([
      { a: 'fail', b: 'pass' },
      { a: 'pass', b: 'fail' }
    ]),
    {
      answer: null,
      asked: [['a', 'b'], ['a']]
    }
  )
  t.same(
    await settle([
      { a: 'fail', b: 'unknown' },
      { a: 'fail', b: 'unknown' }
    ]),
    {
      answer: 'worse since the activation: check a: it is fail; check b: it is unknown',
      asked: [
        ['a', 'b'],
        ['a', 'b']
      ]
    }
  )
  t.match(await settle([{ a: 'unknown', b: 'pass' }]), { answer: null })
})

t.test('what is critical votes, but for what an activation changes by itself', async (t) => {
  const of = (checks: object) => parseSettings(JSON.stringify({ checks }), 'test')
  const settings = of({
    a: { kind: 'load', severity: 'critical' },
    b: { kind: 'load', severity: 'critical', votes: false },
    c: { kind: 'load', votes: true, timeoutSeconds: 10 },
    d: { kind: 'drift', severity: 'critical' },
    e: { kind: 'load' }
  })
  t.same(
    votingChecks(settings).map(({ name }) => name),
    ['a', 'c']
  )
  t.equal(votesSeconds(settings), 2 * 40 + 15 + 5)
  t.equal(votesSeconds(of({})), 0)
  const many = Object.fromEntries([...'abcdefgh'].map((name) => [name, { kind: 'load', votes: true }]))
  t.equal(votesSeconds(of(many)), 2 * 60 + 15 + 5)
})

t.test('what waits for others comes last: all share the time', async (t) => {
  const checks = {
    a: { kind: 'tcp', host: 'a', port: 1, votes: true },
    b: { kind: 'mesh', peers: [{ host: 'a' }], votes: true },
    c: { kind: 'load', votes: true },
    d: { kind: 'ssh', host: 'a', votes: true },
    e: { kind: 'certificate-expiry', file: '/c.pem', votes: true },
    f: { kind: 'certificate-expiry', server: { host: 'a' }, votes: true }
  }
  const names = votingChecks(parseSettings(JSON.stringify({ checks }), 'test')).map(({ name }) => name)
  t.equal(names.join(''), 'ceabdf')
})
