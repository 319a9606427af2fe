import t from 'tap'
import { errorJson, errorView } from '../../../../controller/cli/views/error.ts'
import { painter } from '../../../../controller/cli/views/text.ts'
import { BelayError } from '../../../../shared/errors.ts'

t.test('what a host says in an error moves no cursor and forges no line', (t) => {
  const error = new BelayError('held', 'held by \u001b[2Jme\nbelay: all is well')
  t.equal(errorView(error, painter(false)), 'belay: held by me\n  belay: all is well [held]\n')
  t.match(JSON.parse(errorJson(error)), { error: { code: 'held', message: error.message } })
  t.end()
})

t.test('a strange error says all it knows', (t) => {
  const strange = new Error('why', { cause: new Error('because') })
  t.equal(errorView(strange, painter(false)), 'belay: why: because [internal]\n')
  t.end()
})
