import t from 'tap'
import { didYouMean, suggest } from '../../../controller/inventory/suggest.ts'

t.test('the nearest known word is suggested, and nothing far away', (t) => {
  const known = ['host', 'user', 'port', 'identityFile']
  t.equal(suggest('prot', known), 'port')
  t.equal(suggest('Host', known), 'host')
  t.equal(suggest('identityfiel', known), 'identityFile')
  t.equal(suggest('zebra', known), undefined)
  t.equal(suggest('', known), undefined)
  t.equal(didYouMean('hots', known), '. Did you mean host?')
  t.equal(didYouMean('zebra', known), '')
  t.end()
})
