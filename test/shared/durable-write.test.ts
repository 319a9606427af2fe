import { mkdir, mkdtemp, open, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { mustRun } from '../../shared/command.ts'
import { durableAppend, durableCreate, durableWrite, setReserve } from '../../shared/durable-write.ts'

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

t.test('of many who write at once each is told the truth, and the last has its text there', async (t) => {
  const dir = t.testdir({})
  const path = join(dir, 'state')
  const texts = Array.from({ length: 50 }, (_, i) => `${i}`.repeat(5000))
  await Promise.all(texts.map((text) => durableWrite(path, text)))
  t.equal(await readFile(path, 'utf8'), texts.at(-1))
  await mkdir(join(dir, 'other.new'))
  const [failed, next] = await Promise.allSettled(
    ['a', 'b'].map((text) => durableWrite(join(dir, 'other'), text))
  )
  t.match([failed?.status, next?.status], ['rejected', 'rejected'])
  t.same(await readdir(dir), ['other.new', 'state'])
})

t.test('of many who create a file one does, and the others find it whole', async (t) => {
  const dir = t.testdir({})
  const path = join(dir, 'file')
  const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`)
  const created = await Promise.all(texts.map((text) => durableCreate(path, text, 0o640)))
  t.equal(created.filter(Boolean).length, 1)
  t.equal(await readFile(path, 'utf8'), texts[created.indexOf(true)])
  t.equal((await stat(path)).mode & 0o777, 0o640)
  t.same(await readdir(dir), ['file'], 'nothing is left beside it')
  await t.rejects(durableCreate(join(dir, 'none', 'file'), 'x'), { code: 'ENOENT' })
})

/** A file system of 256 KiB, filled to the last byte by the function returned. */
async function smallDisk(t: Test): Promise<{ dir: string; fill: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'belay-small-'))
  await mustRun(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir], { timeoutMs: 10_000 })
  t.teardown(async () => {
    await mustRun(['umount', '--lazy', dir], { timeoutMs: 10_000 })
    await rmdir(dir)
  })
  const fill = async () => {
    await using file = await open(join(dir, 'fill'), 'a')
    for (;;) {
      const written = await file.write(Buffer.alloc(4096, 1)).catch(() => null)
      if (written === null) return
    }
  }
  return { dir, fill }
}

const root = process.getuid?.() === 0 ? false : 'needs root, to mount a small file system'

t.test('on a full disk the reserve is used, once, and then there is no space', { skip: root }, async (t) => {
  const { dir, fill } = await smallDisk(t)
  await writeFile(join(dir, 'state'), 'old')
  await setReserve(dir)
  await fill()
  await durableWrite(join(dir, 'state'), 'new')
  t.equal(await readFile(join(dir, 'state'), 'utf8'), 'new')
  t.notOk((await readdir(dir)).includes('reserve'), 'the reserve is gone')
  await fill()
  await t.rejects(durableWrite(join(dir, 'state'), 'newer'), { code: 'no-space', at: dir })
  t.equal(await readFile(join(dir, 'state'), 'utf8'), 'new')
})

t.test(
  'an append on a full disk uses the reserve, or leaves the file as it was',
  { skip: root },
  async (t) => {
    const { dir, fill } = await smallDisk(t)
    await using file = await open(join(dir, 'journal'), 'a+')
    await setReserve(dir)
    await fill()
    const line = `${'x'.repeat(5000)}\n`
    await durableAppend(dir, file, 0, line)
    t.equal(await readFile(join(dir, 'journal'), 'utf8'), line)
    await fill()
    await t.rejects(durableAppend(dir, file, line.length, line), { code: 'no-space' })
    t.equal(await readFile(join(dir, 'journal'), 'utf8'), line)
  }
)

t.test('there is no reserve where there is no room', { skip: root }, async (t) => {
  const { dir, fill } = await smallDisk(t)
  await fill()
  await t.rejects(setReserve(dir), { code: 'no-space' })
  t.same(await readdir(dir), ['fill'])
})
