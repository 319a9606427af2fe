import t from 'tap'
import { excessOf } from '../../../shared/verdict/excess.ts'
import { randomFrom } from '../../verdict/random.ts'

const HOUR = 3_600_000
const sure = { zLower: 4.4, zUpper: 2, inflation: 1 }
const hours = (values: readonly number[], from = 0) =>
  values.map((value, index) => ({ at: (from + index) * HOUR, value }))
const poisson = (level: (hour: number) => number, count: number, seed: number) => {
  const random = randomFrom(seed)
  return Array.from({ length: count }, (_, hour) => random.poisson(level(hour)))
}

t.test('twice two errors an hour are surely more after a day; as many as before are not', async (t) => {
  const before = hours(poisson(() => 2, 168, 1))
  const twice = excessOf(
    before,
    hours(
      poisson(() => 4, 24, 2),
      168
    ),
    sure
  )
  t.ok(twice && twice.lower > 1 && twice.lower < 2 && twice.upper > 2, JSON.stringify(twice))
  t.ok(twice && twice.rise > 1)
  const same = excessOf(
    before,
    hours(
      poisson(() => 2, 24, 3),
      168
    ),
    sure
  )
  t.ok(same && same.lower < 1 && same.upper > 1)
})

t.test('a morning is compared with mornings', async (t) => {
  const rhythm = (hour: number) => (hour % 24 < 12 ? 20 : 2)
  const before = hours(poisson(rhythm, 168, 4))
  const morning = excessOf(before, hours(poisson(rhythm, 12, 5), 168), sure)
  t.ok(morning && morning.lower < 1 && morning.upper < 2, 'ten times the mean of a day, and nothing new')
})

t.test('a burst counts as some errors, not as hundreds', async (t) => {
  const before = hours(poisson(() => 5, 168, 6))
  const burst = [500, ...poisson(() => 5, 23, 7)]
  const found = excessOf(before, hours(burst, 168), sure)
  t.ok(found && found.lower < 1 && found.rise < 3)
})

t.test('a baseline of one day is known less well than one of a week', async (t) => {
  const after = hours(
    poisson(() => 10, 24, 8),
    168
  )
  const day = excessOf(hours(poisson(() => 5, 24, 9)), after, sure)
  const week = excessOf(hours(poisson(() => 5, 168, 9)), after, sure)
  t.ok(day && week && day.lower < week.lower)
})

t.test('of events that come in clusters their sum says nothing', async (t) => {
  const clusters = hours(poisson((hour) => (Math.floor(hour / 7) % 3 === 0 ? 30 : 2), 168, 10))
  t.match(excessOf(clusters, hours(new Array(24).fill(60), 168), sure), { lower: 0, upper: Infinity })
})

t.test('nothing expected, and nothing to compare with', async (t) => {
  t.match(excessOf(hours(new Array(48).fill(0)), hours([1, 1], 48), sure), {
    rise: 1,
    lower: 0,
    upper: Infinity
  })
  t.equal(excessOf(hours([1, 1, 1]), hours([5], 12), sure), null, 'an hour that the baseline has not seen')
})
