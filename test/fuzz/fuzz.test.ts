import t from 'tap'
import { randomFrom } from '../verdict/random.ts'
import { attackAgent } from './attack.ts'

t.test(
  'whatever is sent, the agent answers, and never with an error of its own',
  { timeout: 180_000 },
  async (t) => {
    const { statuses, broken, crashed, rss } = await attackAgent(8000, randomFrom(1).uniform)
    t.same(broken, [])
    t.equal(crashed, null)
    const count = (from: number) =>
      [...statuses].reduce((sum, [status, times]) => sum + (Math.floor(status / 100) === from ? times : 0), 0)
    t.ok(count(2) > 500 && count(4) > 2000, `${count(2)} were good, ${count(4)} refused: both are tried`)
    const [early, late] = rss
    t.ok(late < early * 2, `${early} MiB, then ${late} MiB`)
  }
)
