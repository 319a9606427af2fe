import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { mock } from 'node:test'
import t from 'tap'
import { Looking } from '../../agent/looking.ts'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test(
  'looks every minute while nothing is on its way, and four times as often while something is',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.teardown(() => mock.timers.reset())
    let looks = 0
    let answer = async () => false
    const looking = new Looking()
    looking.start(t.testdir(), () => {
      looks += 1
      return answer()
    })
    const after = async (ms: number) => {
      mock.timers.tick(ms)
      await settle()
      return looks
    }
    await settle()
    t.equal(looks, 1, 'at once')
    t.equal(await after(59_999), 1)
    t.equal(await after(1), 2)
    answer = async () => true
    t.equal(await after(60_000), 3)
    t.equal(await after(15_000), 4)
    answer = () => Promise.reject(new Error('no'))
    t.equal(await after(15_000), 5)
    t.equal(await after(15_000), 6, 'one that fails is not the last')
    answer = () => new Promise(() => {})
    t.equal(await after(15_000), 7)
    t.equal(await after(15_000), 8, 'nor is one that does not come back')
    answer = async () => false
    t.equal(await after(15_000), 9)
    looking.stir()
    t.equal(await after(15_000), 10, 'stirred at rest')
    answer = async () => {
      looking.stir()
      return false
    }
    t.equal(await after(60_000), 11)
    t.equal(await after(15_000), 12, 'stirred by the look itself')
    looking.stop()
    t.equal(await after(600_000), 12)
  }
)

t.test(
  'a change in the directory stirs it, and one that cannot be watched is looked at all the same',
  async (t) => {
    const directory = t.testdir()
    const changed = Promise.withResolvers<void>()
    class Watched extends Looking {
      override stir() {
        super.stir()
        changed.resolve()
      }
    }
    const looking = new Watched()
    looking.start(directory, async () => false)
    await mkdir(join(directory, 'operation'))
    await changed.promise
    looking.stop()
    let looks = 0
    const blind = new Looking()
    blind.start(join(directory, 'missing'), async () => {
      looks += 1
      return false
    })
    t.equal(looks, 1)
    blind.stop()
  }
)
