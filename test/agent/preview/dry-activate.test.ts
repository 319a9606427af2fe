import fc from 'fast-check'
import t from 'tap'
import { readDryActivation } from '../../../agent/preview/dry-activate.ts'

t.test('the lists of dry-activate, and whatever else it says', async (t) => {
  const output = `would stop the following units: a.service, b.service
would NOT restart/stop the following changed units: c.service
would activate the configuration...
would reload the following units: d.service
would restart the following units: e.service
would start the following units: a.service
would add secret(s): db`
  t.same(readDryActivation(output), {
    stop: ['a.service', 'b.service'],
    keep: ['c.service'],
    reload: ['d.service'],
    restart: ['e.service'],
    start: ['a.service'],
    other: ['would activate the configuration...', 'would add secret(s): db']
  })
})

t.test('any output is read, bounded, and cannot forge a terminal', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { other } = readDryActivation(text)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      return other.every((line) => !/[\u0000-\u001f\u007f]/.test(line))
    })
  )
  t.equal(readDryActivation('x\n'.repeat(5000)).other.length, 200)
})
