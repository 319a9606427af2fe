import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { openJournal, parseJournal, readJournal } from '../../../agent/journal/journal.ts'

const clock = () => ({ at: '2026-01-01T00:00:00.000Z', bootId: 'b', monotonicMs: 1 })

async function written(dir: string, events: readonly unknown[]): Promise<string> {
  const path = join(dir, 'journal.jsonl')
  const journal = await openJournal(path, clock)
  for (const event of events) await journal.append(event)
  await journal.close()
  return path
}

t.test('what was appended is read again, across openings', async (t) => {
  const path = await written(t.testdir(), [{ type: 'a' }, { type: 'ü\n' }])
  const journal = await openJournal(path, clock)
  t.equal(journal.records.length, 2)
  await journal.append({ type: 'c' })
  await journal.close()
  t.same(
    (await readJournal(path)).map((r) => r.event),
    [{ type: 'a' }, { type: 'ü\n' }, { type: 'c' }]
  )
})

t.test('cut anywhere, a journal is its whole records, and goes on from there', async (t) => {
  const dir = t.testdir()
  const whole = await readFile(await written(dir, [{ n: 1 }, { n: 2 }, { n: 3 }]))
  for (let length = 0; length <= whole.length; length++) {
    const path = join(dir, 'cut.jsonl')
    await writeFile(path, whole.subarray(0, length))
    const kept = whole.subarray(0, length).toString().split('\n').length - 1
    const journal = await openJournal(path, clock)
    if (journal.records.length !== kept) t.fail(`cut at ${length}: ${journal.records.length}, wanted ${kept}`)
    await journal.append({ n: 'next' })
    await journal.close()
    if ((await readJournal(path)).length !== kept + 1) t.fail(`cut at ${length}: the next record is lost`)
  }
  t.pass(`${whole.length + 1} cuts`)
})

t.test('a last record of which sectors are missing is cut off, one before it is not', async (t) => {
  const path = await written(t.testdir(), [{ n: 1 }, { n: 2, text: 'x'.repeat(1000) }])
  const whole = await readFile(path)
  const second = whole.indexOf('\n') + 1
  for (const [from, to] of [
    [second, whole.length - 1],
    [second, second + 512],
    [second + 300, second + 812]
  ] as const) {
    await writeFile(path, Buffer.from(whole).fill(0, from, to))
    const journal = await openJournal(path, clock)
    t.equal(journal.records.length, 1)
    await journal.append({ n: 'next' })
    await journal.close()
    t.equal((await readJournal(path)).length, 2)
  }
  await writeFile(path, Buffer.from(whole).fill(0, 10, 20))
  await t.rejects(readJournal(path), { code: 'journal-corrupt', at: 'line 1' })
})

t.test('a changed, removed or moved record is found', async (t) => {
  const text = await readFile(await written(t.testdir(), [{ n: 1 }, { n: 2 }, { n: 3 }]), 'utf8')
  const [a, b, c] = text.split('\n')
  for (const bad of [
    [a, c],
    [b, c],
    [a, c, b],
    [a, a, b, c],
    ['', a],
    ['null', a]
  ]) {
    t.throws(() => parseJournal(`${bad.join('\n')}\n`), { code: 'journal-corrupt' })
  }
  fc.assert(
    fc.property(fc.nat(text.length - 2), fc.constantFrom('0', 'x', '"', ' ', '\n'), (at, char) => {
      if (text[at] === char) return
      const bad = text.slice(0, at) + char + text.slice(at + 1)
      try {
        parseJournal(bad)
      } catch (error) {
        return (error as { code?: string }).code === 'journal-corrupt'
      }
      return false
    }),
    { numRuns: 500 }
  )
})

t.test('a failed append leaves no half record', async (t) => {
  const path = await written(t.testdir(), [{ n: 1 }])
  const journal = await openJournal(path, clock)
  await journal.close()
  await t.rejects(journal.append({ n: 2 }))
  t.equal((await readJournal(path)).length, 1)
})
