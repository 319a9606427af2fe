import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { findRuns, SHORTEST } from '../../../controller/leaks/runs.ts'
import { scanBuffer, scanFile } from '../../../controller/leaks/scan-file.ts'
import { ageKey, harmless, pem, planted } from './planted.ts'

const buffer = scanBuffer()

t.test('one of each kind is found, by kind and place, and not shown', async (t) => {
  const all = planted()
  const directory = t.testdir(Object.fromEntries(all.map(({ name, text }) => [name, text])))
  for (const { name, kind, text } of all) {
    const found = await scanFile(join(directory, name), buffer)
    t.same(
      found.map((each) => each.kind),
      [kind],
      name
    )
    t.same(Object.keys(found[0] ?? {}).sort(), ['kind', 'offset'])
    t.ok((found[0]?.offset ?? -1) >= 0 && (found[0]?.offset ?? 0) < text.length)
  }
})

t.test('what only looks like one is not', async (t) => {
  const files = harmless()
  const directory = t.testdir(files)
  for (const name of Object.keys(files)) t.same(await scanFile(join(directory, name), buffer), [], name)
})

t.test('wherever in a file it is, also across the edges of what is read at once', async (t) => {
  const file = join(t.testdir(), 'f')
  const small = Buffer.alloc(4096)
  const secret = Buffer.from(`\n${ageKey()}\n${pem()}`)
  for (const fill of [' ', 'x', '\0', 'a b\n', 'long-name-of-something/']) {
    for (const size of [0, 1, 3990, 4050, 4094, 4095, 4096, 4097, 8100, 8190, 12_345]) {
      const before = Buffer.alloc(size, fill)
      writeFileSync(file, Buffer.concat([before, Buffer.from('\n'), secret, Buffer.alloc(5000, fill)]))
      const found = await scanFile(file, small)
      t.same(
        found.map(({ kind }) => kind),
        ['age-key', 'private-key'],
        `${JSON.stringify(fill)} ${size}`
      )
      t.equal(found[0]?.offset, size + 2)
    }
  }
})

t.test('at the very end, in an empty file, and in one long row', async (t) => {
  const file = join(t.testdir(), 'f')
  const small = Buffer.alloc(4096)
  const found = async (text: string) => {
    writeFileSync(file, text)
    return (await scanFile(file, small)).map(({ kind }) => kind)
  }
  t.same(await found(''), [])
  t.same(await found(ageKey()), ['age-key'])
  t.same(await found('x'.repeat(100_000)), [])
  t.same(await found(`${' '.repeat(4096 - 74)}${ageKey()}`), ['age-key'])
  t.same(await found(`${'x'.repeat(50_000)}\n${ageKey()}`), ['age-key'])
})

t.test('no row is missed', async () => {
  const letter = fc.constantFrom(...'abZ0/+= \n;{')
  fc.assert(
    fc.property(fc.array(letter, { maxLength: 400 }), fc.nat(40), (all, more) => {
      const text = `${all.join('')}${'k'.repeat(more)};`
      const found: string[] = []
      findRuns(Buffer.from(text), 0, (start, end) => found.push(text.slice(start, end)))
      const wanted = text.match(/[A-Za-z0-9+/=_$.-]+/g)?.filter(({ length }) => length >= SHORTEST) ?? []
      return JSON.stringify(found) === JSON.stringify(wanted)
    }),
    { numRuns: 500 }
  )
})
