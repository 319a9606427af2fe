import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { awaitAnswer, heard, say, until } from '../../../agent/operation/control.ts'

t.test('a word that was said is heard; a damaged one is not', async (t) => {
  const dir = t.testdir()
  t.equal(await heard(dir, 'cancel'), null)
  await say(dir, { word: 'cancel', principal: 'operate', reason: 'no' })
  t.same(await heard(dir, 'cancel'), { word: 'cancel', principal: 'operate', reason: 'no' })
  await writeFile(join(dir, 'confirm.json'), '{"word":')
  t.equal(await heard(dir, 'confirm'), null)
})

t.test('an answer wakes who waits; a wrong nonce does not', async (t) => {
  const dir = t.testdir()
  const answer = awaitAnswer(dir, 'right', () => 60_000)
  await say(dir, { word: 'confirm', principal: 'someone', nonce: 'wrong' })
  await say(dir, { word: 'confirm', principal: 'operate', nonce: 'right' })
  t.same(await answer, { confirmedBy: 'operate' })
  t.equal(await awaitAnswer(dir, 'another', () => 0), 'deadline')
})

t.test('waiting outlives the directory, and one that is not there yet', async (t) => {
  const dir = join(t.testdir(), 'sockets')
  let asked = 0
  const three = async () => (++asked === 3 ? 'three' : null)
  t.equal(await until(dir, () => 10_000, three), 'three')
  await mkdir(dir)
  const gone = until(
    dir,
    () => 10_000,
    async () => (asked > 3 ? 'gone' : null)
  )
  await rm(dir, { recursive: true })
  asked = 4
  t.equal(await gone, 'gone')
})
