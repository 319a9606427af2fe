import t from 'tap'
import { MAX_CONNECTIONS } from '../../shared/server/unix-socket.ts'
import { randomFrom } from '../verdict/random.ts'
import { attackAgent } from './attack.ts'
import { attackIdle } from './idle.ts'

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

t.test(
  'connections that say nothing are bounded, and keep neither rollback nor confirmation away',
  async (t) => {
    const { held, rss, statuses } = await attackIdle(1500)
    t.ok(held > MAX_CONNECTIONS - 20 && held < MAX_CONNECTIONS + 20, `${held} at the same time`)
    const [before, after] = rss
    t.ok(after < before + 40, `${before} MiB, then ${after} MiB`)
    // No such generation, no such operation: both were judged.
    t.same([...statuses].sort(), [404])
  }
)
