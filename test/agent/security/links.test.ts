import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { durableWrite } from '../../../shared/durable-write.ts'
import { shortDirectory, startDaemon } from '../fakes/daemon.ts'

t.test(
  'a link in the way of a file, or of what it is written to first, is replaced and never followed',
  async (t) => {
    const dir = t.testdir({ victim: 'mine' })
    const [victim, file] = [join(dir, 'victim'), join(dir, 'hold.json')]
    symlinkSync(victim, file)
    symlinkSync(victim, `${file}.new`)
    await durableWrite(file, 'ours')
    t.equal(readFileSync(victim, 'utf8'), 'mine')
    t.equal(readFileSync(file, 'utf8'), 'ours')
    t.ok(lstatSync(file).isFile())
  }
)

t.test('a link in the place of a socket goes, what it leads to stays', async (t) => {
  const dir = shortDirectory(t)
  mkdirSync(join(dir, 'run'))
  writeFileSync(join(dir, 'victim'), 'mine')
  symlinkSync(join(dir, 'victim'), join(dir, 'run/operate.sock'))
  const d = await startDaemon(t, dir)
  t.equal(readFileSync(join(dir, 'victim'), 'utf8'), 'mine')
  t.ok(lstatSync(d.socket('operate')).isSocket())
})

t.test('a directory of sockets that is a link is none', async (t) => {
  const dir = shortDirectory(t)
  mkdirSync(join(dir, 'elsewhere'))
  symlinkSync('elsewhere', join(dir, 'run'))
  await t.rejects(startDaemon(t, dir), { code: 'invalid-config', at: join(dir, 'run') })
})
