import t from 'tap'
import { BelayError, codeOf, describeError, errorCodes } from '../../shared/errors.ts'

t.test('an error carries code, found, wanted and place', async (t) => {
  const error = new BelayError('wrong-host', 'for another host', {
    found: 'electrum',
    wanted: 'cinnabar',
    at: 'storePath'
  })
  t.match(error, { code: 'wrong-host', found: 'electrum', wanted: 'cinnabar', at: 'storePath' })
  t.equal(codeOf(error), 'wrong-host')
  t.equal(codeOf(new Error('x')), 'internal')
})

t.test('the chain of causes is told once', async (t) => {
  const cause = new Error('disk full')
  t.equal(describeError(new BelayError('internal', 'no journal', { cause })), 'no journal: disk full')
  t.equal(describeError(new BelayError('internal', 'disk full', { cause })), 'disk full')
  t.equal(describeError('plain'), 'plain')
})

t.test('every code has an HTTP error status', async (t) => {
  for (const [code, status] of Object.entries(errorCodes)) t.ok(status >= 400 && status < 600, code)
})
