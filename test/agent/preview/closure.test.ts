import fc from 'fast-check'
import t from 'tap'
import { closureTotals, packageChanges } from '../../../agent/preview/closure.ts'

let serial = 0
/** A path of its own for each name, and its size. */
const sizes = (...names: readonly string[]) =>
  new Map(names.map((name, i) => [`/nix/store/${String(serial++).padStart(32, '0')}-${name}`, i + 1]))
const changes = (before: readonly string[], after: readonly string[]) =>
  packageChanges(sizes(...before), sizes(...after)).map(({ name, change }) => `${change} ${name}`)

t.test('what becomes of a package', async (t) => {
  t.same(changes([], ['a-1']), ['added a'])
  t.same(changes(['a-1'], []), ['removed a'])
  t.same(changes(['a-1'], ['a-2']), ['upgraded a'])
  t.same(changes(['a-2'], ['a-1']), ['downgraded a'])
  t.same(changes(['a-1'], ['a-1']), ['rebuilt a'], 'the same version in another path')
  t.same(changes(['a-1', 'a-3'], ['a-2', 'a-3']), ['upgraded a'], 'what both have says nothing')
  t.same(changes(['a-1', 'a-5'], ['a-2', 'a-4']), ['changed a'])
  t.same(changes(['a-1', 'a-2'], ['a-1']), ['changed a'], 'one of two goes')
  t.same(changes(['a-1.0'], ['a-1-0']), ['changed a'], 'other versions that compare as equal')
  t.same(changes(['a-1', 'a-1-dev', 'b'], ['a-1']), ['rebuilt a', 'removed b'], 'an output is no package')
})

t.test('sizes are those of all paths of a name', async (t) => {
  const [before, after] = [sizes('a-1', 'a-1-dev'), sizes('a-2')]
  t.match(packageChanges(before, after), [{ bytesBefore: 3, bytesAfter: 1, before: ['1'], after: ['2'] }])
  t.same(closureTotals(before, after), {
    before: { paths: 2, bytes: 3 },
    after: { paths: 1, bytes: 1 },
    added: 1,
    removed: 2
  })
})

t.test('a closure does not differ from itself, and both directions agree', async () => {
  const names = fc.array(fc.stringMatching(/^[a-c](-[0-9]){0,2}(-bin)?$/), { maxLength: 8 })
  fc.assert(
    fc.property(names, names, (one, other) => {
      const [before, after] = [sizes(...one), sizes(...other)]
      const there = packageChanges(before, after).map(({ name }) => name)
      const back = packageChanges(after, before).map(({ name }) => name)
      return packageChanges(before, before).length === 0 && there.join() === back.join()
    })
  )
})
