import t from 'tap'
import { randomFrom } from '../verdict/random.ts'
import { attackParsers, mutate } from './parsers.ts'

t.test(
  'whatever stands in a file, a parser gives something or an error of ours',
  { timeout: 120_000 },
  async (t) => {
    t.same(await attackParsers(1500, randomFrom(1).uniform), [])
  }
)

t.test('what is broken is broken in many ways, and the same for the same seed', async (t) => {
  const of = (seed: number) => {
    const { uniform } = randomFrom(seed)
    return Array.from({ length: 50 }, () => mutate('key: value\n'.repeat(5), uniform))
  }
  t.same(of(1), of(1))
  t.ok(new Set(of(1)).size > 40)
})
