import { readFileSync } from 'node:fs'
import t from 'tap'
import { billOfMaterials } from '../../scripts/bill.ts'
import type { Locked, Manifest } from '../../scripts/supply-rules.ts'
import { judgeSupply } from '../../scripts/supply-rules.ts'

const good: Locked = { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' }
const manifest: Manifest = { dependencies: { a: '1.0.0' }, devDependencies: {}, allowScripts: { b: true } }
const judge = (name: string, change: Locked, from: Partial<Manifest> = {}) =>
  judgeSupply({ ...manifest, ...from }, { '': {}, [`node_modules/${name}`]: { ...good, ...change } }).problems

t.test('what is pinned, runs nothing and may be shipped is good', async (t) => {
  t.same(judge('a', {}), [])
  t.same(judge('b', { hasInstallScript: true }), [])
  t.same(judge('a', { dev: true, license: 'GPL-3.0' }), [], 'it is not shipped')
})

t.test('everything else is said', async (t) => {
  t.match(judge('a', {}, { dependencies: { a: '^1.0.0' } }), [/wanted one exact version/])
  t.match(judge('a', { integrity: 'sha1-x' }), [/no sha512/])
  t.match(judge('a', { resolved: 'git+ssh://git@example.org/a.git' }), [/it is from git\+ssh/])
  t.match(judge('a', { hasInstallScript: true }), [/not in allowScripts/])
  t.match(judge('x/node_modules/a', { hasInstallScript: true }), [/not in allowScripts/])
  t.match(judge('a', { license: 'GPL-3.0' }), [/licence GPL-3.0/])
})

t.test('the software bill of materials has all that is shipped', async (t) => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const { problems, shipped } = judgeSupply(JSON.parse(readFileSync('package.json', 'utf8')), packages)
  t.same(problems, [])
  const { components, dependencies } = await billOfMaterials('belay')
  const named = components.map(({ name, version }) => `${name}@${version}`)
  const wanted = new Set(
    shipped.map((path) => `${path.replace(/^.*node_modules\//, '')}@${packages[path].version}`)
  )
  t.same([...new Set(named)].sort(), [...wanted].sort())
  const refs = new Set(components.map((component) => component['bom-ref']))
  t.same(
    dependencies.flatMap(({ dependsOn }) => dependsOn.filter((ref) => !refs.has(ref))),
    []
  )
  t.same(
    components.filter(({ hashes, licenses }) => !hashes?.length || !licenses?.length).map(({ name }) => name),
    []
  )
})
