import t from 'tap'
import { Buckets } from '../../shared/buckets.ts'

t.test('so many at once, then as many as the time gives, each name for itself', (t) => {
  let now = 1_000_000
  const buckets = new Buckets({ perSecond: 2, burst: 3 }, () => now)
  t.same(
    [1, 2, 3, 4].map(() => buckets.take('anna')),
    [0, 0, 0, 500]
  )
  t.equal(buckets.take('bert'), 0)
  now += 400
  t.equal(buckets.take('anna'), 100, 'what is not there is not taken')
  now += 100
  t.equal(buckets.take('anna'), 0)
  now -= 3_600_000
  t.equal(buckets.take('anna'), 500, 'a clock that was set back gives nothing')
  t.end()
})

t.test('of ten thousand names the oldest is forgotten', (t) => {
  const buckets = new Buckets({ perSecond: 1, burst: 1 }, () => 0)
  for (let name = 0; name < 10_001; name++) buckets.take(String(name))
  t.equal(buckets.take('1'), 1000)
  t.equal(buckets.take('0'), 0, 'begins anew')
  t.end()
})
