import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { Run } from '../../../controller/build/run.ts'
import { loadInventory } from '../../../controller/inventory/sources.ts'

const nothing = { code: 0, stdout: '', stderr: '', timedOut: false }

/** A Nix that knows these attributes; the real one is asked in test/fleet/rollout.test.ts. */
function nix(attributes: Readonly<Record<string, unknown>>) {
  const calls: string[][] = []
  const run: Run = async (argv) => {
    calls.push([...argv])
    const [, attribute = ''] = (argv.find((word) => word.includes('#')) ?? '').split('#')
    const apply = argv.includes('--apply') ? argv.at(-1) : ''
    const value = attributes[apply?.includes('targetHost') ? `targets of ${attribute}` : attribute]
    if (value instanceof Error) return { ...nothing, code: 1, stderr: value.message }
    if (value !== undefined) return { ...nothing, stdout: JSON.stringify(value) }
    const known = `'packages.x86_64-linux.${attribute}', 'legacyPackages.x86_64-linux.${attribute}' or '${attribute}'`
    return { ...nothing, code: 1, stderr: `error: flake 'path:/x' does not provide attribute ${known}` }
  }
  return { run, calls }
}

async function load(t: Test, fleet: string, attributes: Readonly<Record<string, unknown>>) {
  const file = join(t.testdir({}), 'fleet.yaml')
  writeFileSync(file, `version: 1\n${fleet}`)
  const { run, calls } = nix(attributes)
  const inventory = await loadInventory(file, { run, signal: new AbortController().signal })
  const fact = (host: string, name: string) => {
    const found = inventory.hosts.find((each) => each.name === host)?.facts.find((each) => each.name === name)
    return [found?.value, found?.source]
  }
  return { ...inventory, calls, fact }
}

t.test('a fleet file that names its hosts evaluates nothing', async (t) => {
  const { calls, hosts, remarks } = await load(t, 'hosts: {cinnabar: {}}\n', {})
  t.same([calls, hosts.length, remarks], [[], 1, []])
})

t.test('the fleet file counts before the clan before the flake before defaults, fact by fact', async (t) => {
  const fleet = `sources: [flake, clan]
defaults: { platform: nixos, presence: intermittent, connection: { ssh: { user: deploy } } }
hosts:
  cinnabar: { tags: [own], connection: { ssh: { port: 22 } } }
`
  const {
    fact,
    fleet: merged,
    remarks
  } = await load(t, fleet, {
    nixosConfigurations: ['cinnabar', 'electrum'],
    darwinConfigurations: ['stibnite'],
    'clan.inventory.machines': {
      cinnabar: { tags: ['all', 'vps'], machineClass: 'nixos', deploy: { targetHost: 'root@10.0.0.1:2222' } },
      stibnite: { tags: ['laptop'], machineClass: 'darwin', deploy: { targetHost: null } },
      rosegold: { tags: [], machineClass: 'darwin' }
    },
    'targets of darwinConfigurations': { stibnite: 'stibnite.example.org', rosegold: null }
  })
  t.same(fact('cinnabar', 'tags'), [['own'], 'fleet file'])
  t.same(fact('cinnabar', 'ssh.host'), ['10.0.0.1', 'clan'])
  t.same(fact('cinnabar', 'ssh.port'), [22, 'fleet file'])
  t.same(fact('cinnabar', 'ssh.user'), ['root', 'clan'])
  t.same(fact('electrum', 'ssh.user'), ['deploy', 'defaults'])
  t.same(fact('electrum', 'ssh.host'), ['electrum', 'built in'])
  t.same(fact('electrum', 'platform'), ['nixos', 'flake'])
  t.same(fact('stibnite', 'platform'), ['darwin', 'clan'], 'a default does not overrule who knows the host')
  t.same(fact('stibnite', 'ssh.host'), ['stibnite.example.org', 'clan'])
  t.same(fact('stibnite', 'tags'), [['laptop'], 'clan'])
  t.same(fact('rosegold', 'ssh.host'), ['rosegold', 'built in'])
  t.match(
    merged.hosts.find(({ name }) => name === 'stibnite'),
    { installable: /#darwinConfigurations\.stibnite\.system$/ }
  )
  t.ok(remarks.includes('electrum is named by the flake, not by the fleet file nor the clan'))
  t.ok(remarks.includes('rosegold is named by the clan, not by the fleet file nor the flake'))
})

t.test('sources that do not agree on a platform are named, with who counts', async (t) => {
  const { remarks } = await load(t, 'sources: [flake]\nhosts: {stibnite: {platform: nixos}}\n', {
    darwinConfigurations: ['stibnite']
  })
  t.same(remarks, ['stibnite is nixos for the fleet file and darwin for the flake; the fleet file counts'])
})

t.test('only machines without an address cost the evaluation of their system', async (t) => {
  const machines = { a: { deploy: { targetHost: 'a' } }, 'b.example': {} }
  const { calls } = await load(t, 'sources: [clan]\n', {
    'clan.inventory.machines': machines,
    'targets of nixosConfigurations': { 'b.example': null }
  })
  t.match(calls.at(-1)?.at(-1), /intersectAttrs { "b\.example" = null; } systems/)
  t.equal(calls.length, 2)
})

t.test('what a source says wrongly is refused, with where, found and wanted', async (t) => {
  const clan = (machines: unknown) => ({ 'clan.inventory.machines': machines })
  type Case = [string, Readonly<Record<string, unknown>>, { code: string; message?: RegExp }]
  const cases: Case[] = [
    ['sources: [flake]\n', {}, { code: 'invalid-inventory', message: /neither nixosConfigurations nor/ }],
    ['sources: [clan]\n', {}, { code: 'invalid-inventory', message: /no clan\.inventory\.machines/ }],
    [
      'sources: [flake]\n',
      { nixosConfigurations: ['a'], darwinConfigurations: ['a'] },
      { code: 'invalid-inventory', message: /has a both in/ }
    ],
    [
      'sources: [flake]\n',
      { nixosConfigurations: ['a', '--option'] },
      { code: 'invalid-inventory', message: /nixosConfigurations\.1: found "--option"/ }
    ],
    ['sources: [clan]\n', clan({ 'Big"Host': {} }), { code: 'invalid-inventory', message: /is no name/ }],
    [
      'sources: [clan]\n',
      clan({ a: { machineClass: 'nixs' } }),
      { code: 'invalid-inventory', message: /clan\.inventory\.machines\.a\.machineClass: found "nixs"/ }
    ],
    [
      'sources: [clan]\n',
      clan({ a: { tags: ['a b'] } }),
      { code: 'invalid-inventory', message: /tags\.0: found "a b"/ }
    ],
    ...['-oProxyCommand=x', 'a b', 'root@', 'a:99999', 'root@-x', 'a\nb'].map(
      (targetHost): Case => [
        'sources: [clan]\n',
        clan({ a: { deploy: { targetHost } } }),
        { code: 'invalid-inventory', message: /targetHost of a: found/ }
      ]
    ),
    [
      'sources: [flake]\n',
      { nixosConfigurations: new Error('error: syntax error, unexpected end of file') },
      { code: 'evaluation-failed', message: /does not evaluate:\nerror: syntax error/ }
    ],
    [
      'sources: [flake]\n',
      { nixosConfigurations: new Error("error: flake 'x' does not provide attribute 'other'") },
      { code: 'evaluation-failed' }
    ]
  ]
  for (const [fleet, attributes, wanted] of cases) await t.rejects(load(t, fleet, attributes), wanted)
})

t.test('an IPv6 address stands in brackets', async (t) => {
  const { fact } = await load(t, 'sources: [clan]\n', {
    'clan.inventory.machines': { a: { deploy: { targetHost: 'anna@[fd00::1%eth0]:22' } } }
  })
  t.same(
    [fact('a', 'ssh.host')[0], fact('a', 'ssh.user')[0], fact('a', 'ssh.port')[0]],
    ['fd00::1%eth0', 'anna', 22]
  )
})
