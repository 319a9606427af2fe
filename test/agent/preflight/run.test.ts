import t from 'tap'
import type { Subject } from '../../../agent/preflight/check.ts'
import { carryOut, check, fail, pass } from '../../../agent/preflight/check.ts'
import { refusalOf } from '../../../agent/preflight/run.ts'
import type { PreflightCheck } from '../../../shared/api/preflight.ts'

const subject = {} as Subject
const found = (name: PreflightCheck['name'], result: PreflightCheck['result']): PreflightCheck => ({
  ...{ name, result, code: result === 'fail' ? 'no-space' : null },
  ...{ evidence: `${name} was seen`, remedy: `mend ${name}` }
})

t.test(
  'a check that throws, or takes too long, is unknown; a long or wild text is made short and tame',
  async (t) => {
    const thrown = check({
      name: 'clock',
      look: () => Promise.reject(new Error('no bus')),
      judge: () => pass('')
    })
    t.match(await carryOut(thrown, subject), { name: 'clock', result: 'unknown', evidence: 'no bus' })
    let aborted = false
    const slow = check({
      name: 'clock',
      limitSeconds: 0.01,
      look: (_, signal) =>
        new Promise(() => {
          signal.onabort = () => {
            aborted = true
          }
        }),
      judge: () => pass('')
    })
    t.match(await carryOut(slow, subject), { result: 'unknown', evidence: /0.01 s/ })
    t.equal(aborted, true, 'what it has begun is ended')
    const wild = check({
      name: 'clock',
      look: async () => null,
      judge: () => fail('no-space', `a\n\u001b[2J${'x'.repeat(999)}`, 'y')
    })
    const { evidence } = await carryOut(wild, subject)
    t.equal(evidence.length, 300)
    t.match(evidence, /^a x/)
  }
)

t.test('what fails refuses; what cannot be told only where it must be known', async (t) => {
  t.equal(
    refusalOf([found('clock', 'pass'), found('users', 'warn'), found('trust', 'unknown')], ['baseline']),
    null
  )
  t.match(refusalOf([found('trust', 'unknown')], ['trust']), {
    code: 'preflight-unknown',
    at: 'preflight.trust'
  })
  t.match(
    refusalOf([found('signatures', 'unknown')], []),
    { code: 'preflight-unknown', at: 'preflight.signatures' },
    'signatures that are asked for and cannot be told are missing, whatever the settings say'
  )
  const two = refusalOf([found('space-boot', 'fail'), found('users', 'fail')], [])
  t.match(two, { code: 'no-space', message: 'space-boot was seen; mend space-boot (also: users)' })
})
