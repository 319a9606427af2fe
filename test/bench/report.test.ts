import t from 'tap'
import type { Section } from './report.ts'
import { aimsOf, atMost, median, percentile, table } from './report.ts'

t.test('median and percentile are of the values themselves', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  t.equal(percentile(hundred, 99), 99)
  t.equal(percentile([7], 99), 7)
  t.throws(() => median([]))
})

t.test('a missed aim is said, and figures stand beside each other', async (t) => {
  const sections: Section[] = [
    {
      title: 'Memory',
      beside: 'other',
      rows: [
        { name: 'RSS', unit: 'MiB', belay: 81, beside: 20, aim: atMost(81, 80, 'MiB') },
        { name: 'anonymous', unit: 'MiB', belay: 25, beside: null, aim: atMost(25, 25, 'MiB') },
        { name: 'none', unit: 'ms', belay: null, beside: 0 }
      ]
    }
  ]
  t.same(aimsOf(sections), { aims: 2, missed: 1 })
  const [head, rss, anonymous, none] = table(sections).split('\n')
  t.match(head, /^Memory +Belay +other +ratio +aim$/)
  t.match(rss, /^ {2}RSS +81\.0 MiB +20\.0 MiB +4\.05 +≤ 80 MiB: MISSED$/)
  t.match(anonymous, /^ {2}anonymous +25\.0 MiB +– +≤ 25 MiB: met$/)
  t.match(none, /^ {2}none +– +0\.000 ms$/)
})
