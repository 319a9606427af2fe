import fc from 'fast-check'
import t from 'tap'
import { compareVersions, splitName } from '../../../agent/preview/package-name.ts'

t.test('names are split as nix store diff-closures splits them', async (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['curl-8.9.0', 'curl', '8.9.0'],
    ['curl-8.9.0-bin', 'curl', '8.9.0'],
    ['glibc-2.39-52-lib64', 'glibc', '2.39-52'],
    ['linux-6.6.40-modules', 'linux', '6.6.40'],
    ['gcc-13.3.0-libgcc', 'gcc', '13.3.0'],
    ['unit-web.service', 'unit-web.service', ''],
    ['nixos-system-cinnabar-24.11', 'nixos-system-cinnabar', '24.11'],
    ['nixos-system-cinnabar', 'nixos-system', ''],
    ['etc', 'etc', ''],
    ['foo-', 'foo-', ''],
    ['foo--1', 'foo', '-1'],
    ['x11-1-2', 'x11', '1-2'],
    ['hello-unstable', 'hello', ''],
    ['hello-_1', 'hello', '_1'],
    ['', '', '']
  ]
  for (const [text, name, version] of cases) t.same(splitName(text), { name, version }, text)
})

t.test('nothing of a name is lost but the output and a dash', async () => {
  const word = fc.stringMatching(/^[A-Za-z0-9+._?=-]{0,40}$/)
  fc.assert(
    fc.property(word, (text) => {
      const { name, version } = splitName(text)
      return text.startsWith(name) && (version === '' || text.startsWith(`${name}-${version}`))
    })
  )
})

t.test('versions are ordered by the rules of the manual', async (t) => {
  const rising = ['', '1.0pre', '1.0', '1.0a', '1.0.1', '1.2', '1.10', '2']
  for (const [i, a] of rising.entries())
    for (const [j, b] of rising.entries()) t.equal(compareVersions(a, b), Math.sign(i - j), `${a} and ${b}`)
  t.equal(compareVersions('1.0', '1-0'), 0)
  t.equal(compareVersions('99999999999999999999', '99999999999999999998'), 1, 'beyond what a double holds')
})

t.test('either order of two versions says the same', async () => {
  const version = fc.stringMatching(/^[0-9a-z.-]{0,12}$/)
  fc.assert(fc.property(version, version, (a, b) => compareVersions(a, b) === -compareVersions(b, a)))
})
