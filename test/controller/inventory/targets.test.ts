import t from 'tap'
import { mergeInventory } from '../../../controller/inventory/inventory.ts'
import { parseFleet, parseFleetFile } from '../../../controller/inventory/load.ts'
import { jobsOf, targetsOf } from '../../../controller/inventory/targets.ts'

const text = `version: 1
flake: ./systems
hosts:
  cinnabar:
    homes:
      alice: { withSystem: true }
      bob: { attribute: homeConfigurations.bob.activationPackage }
  electrum:
    homes: { alice: {} }
  galena: {}
`
const { hosts } = parseFleet(text, '/fleet/fleet.yaml')
const names = (jobs: ReturnType<typeof jobsOf>) =>
  jobs.map(({ target, homes }) => [target.name, ...homes.map(({ name }) => name)])

t.test('a home is built from an attribute of its own', async (t) => {
  t.same(hosts[0]?.homes, [
    {
      user: 'alice',
      installable: '/fleet/systems#homeConfigurations."alice@cinnabar".activationPackage',
      withSystem: true
    },
    {
      user: 'bob',
      installable: '/fleet/systems#homeConfigurations.bob.activationPackage',
      withSystem: false
    }
  ])
})

t.test('with the system go the homes that say so; a home that is named goes alone', async (t) => {
  t.same(names(jobsOf(hosts, {})), [['cinnabar', 'alice@cinnabar'], ['electrum'], ['galena']])
  t.same(names(jobsOf(hosts, { homes: false })), [['cinnabar'], ['electrum'], ['galena']])
  t.same(names(jobsOf(hosts, { home: ['alice'] })), [['alice@cinnabar'], ['alice@electrum']])
  t.same(names(jobsOf(hosts, { home: ['bob'] })), [['bob@cinnabar']])
  t.match(targetsOf(jobsOf(hosts, { home: ['bob'] })), [
    { profile: 'home:bob', installable: hosts[0]?.homes[1]?.installable }
  ])
})

t.test('a home that no selected host has is refused, with what was meant', async (t) => {
  t.throws(() => jobsOf(hosts, { home: ['alcie'] }), {
    code: 'invalid-request',
    message: 'no home of "alcie" on the selected hosts. Did you mean alice?'
  })
  t.throws(() => jobsOf(hosts.slice(2), { home: ['alice'] }), { message: /They have none/ })
})

t.test('the inventory says which homes there are, and who says so', async (t) => {
  const { hosts: found } = mergeInventory(parseFleetFile(text, '/fleet/fleet.yaml'), {})
  const homes = found[0]?.facts.filter(({ name }) => name.startsWith('homes'))
  t.match(homes, [
    { name: 'homes.alice', value: /activationPackage, with the system$/, source: 'fleet file' },
    { name: 'homes.bob', value: /homeConfigurations\.bob\.activationPackage$/, source: 'fleet file' }
  ])
})

t.test('what can be no home is refused with its line', async (t) => {
  const refused = (entry: string, message: RegExp) =>
    t.throws(() => parseFleet(`version: 1\nhosts:\n  a:\n${entry}`, '/f.yaml'), { message }, entry)
  refused('    homes: { root: {} }', /^\/f\.yaml:4: hosts\.a\.homes\.root: .*is a part of the system/)
  refused('    platform: darwin\n    homes: { alice: {} }', /found "darwin", wanted a host of NixOS/)
  refused('    homes: { "a b": {} }', /"a b" is no name/)
  refused('    homes: { alice: { withsystem: true } }', /Did you mean withSystem\?/)
  refused('    homes: { alice: { attribute: "x#y" } }', /found "x#y"/)
})
