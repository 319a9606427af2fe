import t from 'tap'
import { durations, rates } from './kinds.ts'
import { missed, quietSoaks } from './simulation.ts'

const of = (title: string) => {
  const kind = [...durations, ...rates].find((each) => each.title === title)
  if (kind === undefined) throw new Error(title)
  return kind
}

/** The table of docs/verdict.md in small; the random numbers are the same each time. */
t.test('quiet soaks of 20 checks are no NO-GO', async (t) => {
  for (const title of ['daily rhythm ±40 %', '5 errors/h']) {
    t.match(quietSoaks(of(title), 2), { everFailed: 0, failedAtEnd: 0 }, title)
  }
})

t.test('30 % slower and twice the errors are found within a day, from the start and later', async (t) => {
  for (const from of [0, 60]) {
    const slow = missed(of('daily rhythm ±40 %'), 5, { factor: 1.3, from, after: 24 })
    const errors = missed(of('50 errors/h'), 5, { factor: 2, from, after: 24 })
    t.same([slow, errors], [0, 0], `from hour ${from}`)
  }
})

t.test('a night before says too little about days', async (t) => {
  const kind = of('rhythm, one night before (12 h)')
  t.match(quietSoaks(kind, 1), { everFailed: 0, openOnDay14: 1 })
})
