import fc from 'fast-check'
import t from 'tap'
import type { PathInfo } from '../../../agent/preview/path-info.ts'
import { closureOf, readPathInfo, readPathSizes } from '../../../agent/preview/path-info.ts'

const base = (name: string) => name.replace('/nix/store/', '')
type Infos = Readonly<Record<string, PathInfo | null>>

/** The same answer in the words of each version of Nix. */
const shapes: Readonly<Record<string, (infos: Infos) => unknown>> = {
  'array, up to 2.18': (infos) =>
    Object.entries(infos).map(([path, info]) =>
      info === null ? { path, valid: false } : { path, ...info, ca: '' }
    ),
  'object, 2.19': (infos) => infos,
  'object with nulls, 2.23': (infos) =>
    Object.fromEntries(
      Object.entries(infos).map(([path, info]) => [path, info && { ...info, ca: null, deriver: null }])
    ),
  'format 1, 2.33': (infos) =>
    Object.fromEntries(
      Object.entries(infos).map(([path, info]) => [
        path,
        info && { ...info, version: 1, storeDir: '/nix/store' }
      ])
    ),
  'format 2, 2.33': (infos) => ({
    version: 2,
    storeDir: '/nix/store',
    info: Object.fromEntries(
      Object.entries(infos).map(([path, info]) => [
        base(path),
        info && { ...info, references: info.references.map(base), ca: { method: 'nar' } }
      ])
    )
  })
}

const path = fc.stringMatching(/^\/nix\/store\/[0-9a-df-np-sv-z]{32}-[a-z][a-z0-9.-]{0,12}$/)
const info = fc.record({ narSize: fc.nat(), references: fc.uniqueArray(path, { maxLength: 5 }) })
const answer = fc.dictionary(path, fc.option(info, { nil: null }), { maxKeys: 8 })

for (const [name, shape] of Object.entries(shapes)) {
  t.test(`every answer is read: ${name}`, async () => {
    fc.assert(
      fc.property(answer, (infos) => {
        const wanted = Object.entries(infos).filter(([, each]) => each !== null)
        const found = readPathInfo(JSON.stringify(shape(infos)))
        return JSON.stringify([...found]) === JSON.stringify(wanted)
      })
    )
  })
}

t.test('anything else is refused or read, and never a crash', async (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (json) => {
      try {
        readPathInfo(json)
        return true
      } catch (error) {
        return (error as { code?: string }).code === 'command-failed'
      }
    })
  )
  for (const json of ['', '1', 'null', '[1]', '[{}]', '{"version":2,"info":[]}'])
    t.throws(() => readPathInfo(json), { code: 'command-failed' }, json)
  t.equal(readPathInfo('{"/nix/store/x":{"narSize":-1}}').size, 0, 'no size, no path')
})

t.test('a closure is all that a root refers to, once', async (t) => {
  const infos = new Map([
    ['a', { narSize: 1, references: ['a', 'b'] }],
    ['b', { narSize: 2, references: ['a', 'c'] }],
    ['c', { narSize: 4, references: [] }],
    ['d', { narSize: 8, references: ['a'] }]
  ])
  t.same(
    [...closureOf('a', infos)],
    [
      ['a', 1],
      ['b', 2],
      ['c', 4]
    ]
  )
  t.throws(() => closureOf('e', infos), { code: 'path-not-valid' })
})

t.test('sizes as people read them, and nothing that only looks so', async (t) => {
  const root = '/nix/store/a-b'
  t.same(
    [...(readPathSizes(root, `${root}    \t       12\n/nix/store/c\t3\n`) ?? [])],
    [
      [root, 12],
      ['/nix/store/c', 3]
    ]
  )
  for (const text of [
    '',
    '/nix/store/c\t3\n',
    `${root}\n`,
    `${root}\t1.2 MiB\n`,
    `${root}\t-1`,
    `warning: x\n${root}\t1\n`
  ])
    t.equal(readPathSizes(root, text), null, text)
  fc.assert(
    fc.property(fc.dictionary(path, fc.nat()), path, (sizes, own) => {
      const all = new Map([...Object.entries(sizes), [own, 7] as const])
      const text = [...all]
        .map(([each, size]) => `${each.padEnd(90)}\t${String(size).padStart(11)}\n`)
        .join('')
      return JSON.stringify([...(readPathSizes(own, text) ?? [])]) === JSON.stringify([...all])
    })
  )
})
