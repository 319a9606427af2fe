import t from 'tap'
import { MAX_CONNECTIONS } from '../../shared/server/unix-socket.ts'
import { randomFrom } from '../verdict/random.ts'
import { attackDaemon } from './attack.ts'
import { attackIdle } from './idle.ts'
import { targets } from './targets.ts'

for (const [of, requests] of [
  ['agent', 8000],
  ['controller', 4000]
] as const)
  t.test(
    `whatever is sent, the ${of} answers, and never with an error of its own`,
    { timeout: 180_000 },
    async (t) => {
      const { statuses, broken, crashed, rss } = await attackDaemon({
        ...{ of, count: requests, random: randomFrom(1).uniform }
      })
      t.same(broken, [])
      t.equal(crashed, null)
      const count = (from: number) =>
        [...statuses].reduce(
          (sum, [status, times]) => sum + (Math.floor(status / 100) === from ? times : 0),
          0
        )
      t.ok(
        count(2) > requests / 16 && count(4) > requests / 4,
        `${count(2)} were good, ${count(4)} refused: both are tried`
      )
      const [early, , late] = rss
      t.ok(late < early * 2, `${early} MiB, then ${late} MiB`)
    }
  )

for (const of of targets)
  t.test(
    `connections that say nothing are bounded, and keep nobody from the ${of}'s operators`,
    async (t) => {
      const { held, rss, statuses } = await attackIdle({ of, count: 1500 })
      t.ok(held <= MAX_CONNECTIONS + 20, `${held} at the same time`)
      const [before, after] = rss
      t.ok(after < before + 60, `${before} MiB, then ${after} MiB`)
      // No such generation, operation or rollout: all were judged.
      t.same([...statuses].sort(), [404])
    }
  )
