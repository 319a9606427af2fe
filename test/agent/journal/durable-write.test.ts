import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { durableWrite } from '../../../agent/journal/durable-write.ts'

t.test(
  'the text replaces what was there, with the mode asked for, and nothing is left beside it',
  async (t) => {
    const dir = t.testdir({ state: 'old' })
    await durableWrite(join(dir, 'state'), 'new', 0o640)
    t.equal(await readFile(join(dir, 'state'), 'utf8'), 'new')
    t.equal((await stat(join(dir, 'state'))).mode & 0o777, 0o640)
    t.same(await readdir(dir), ['state'])
  }
)

t.test('when it fails, the old text stands', async (t) => {
  const dir = t.testdir({ state: 'old' })
  await mkdir(join(dir, 'state.new'))
  await t.rejects(durableWrite(join(dir, 'state'), 'new'))
  t.equal(await readFile(join(dir, 'state'), 'utf8'), 'old')
})
