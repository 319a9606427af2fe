import { join } from 'node:path'
import t from 'tap'
import { clanProblems } from '../../../controller/secrets/clan-judge.ts'
import { readClanTree } from '../../../controller/secrets/clan-tree.ts'
import { openTree } from '../../../controller/secrets/tree.ts'
import { recipient, sopsFile } from '../../shared/secrets/sops-files.ts'

const [cinnabar, electrum, alice, stranger] = [1, 2, 3, 4].map(recipient) as [string, string, string, string]
const key = (publickey: string) => ({ 'key.json': JSON.stringify({ publickey, type: 'age' }) })
const link = (target: string) => t.fixture('symlink', target)
/** A link as clan writes it, from the folder of a variable so many levels deep. */
const to = (depth: number, holder: string, name: string) =>
  link(`${'../'.repeat(depth)}sops/${holder}/${name}`)
const secret = (for_: readonly string[], named: object = {}) => ({
  secret: sopsFile('binary', for_),
  ...named
})

/** A tree with everything in order; 5 and 4 folders lie above the links of a machine's and of a shared variable. */
const inOrder = () => ({
  sops: {
    machines: { cinnabar: key(cinnabar), electrum: key(electrum) },
    users: { alice: { 'key.json': JSON.stringify([{ publickey: alice, type: 'age' }]) } },
    groups: {
      admins: {
        users: { alice: link('../../../users/alice') },
        machines: { electrum: link('../../../machines/electrum') }
      }
    },
    secrets: { 'cinnabar-age.key': secret([alice], { users: { alice: to(4, 'users', 'alice') } }) }
  },
  vars: {
    'per-machine': {
      cinnabar: {
        // A variable called secret, of a generator called value.
        value: {
          secret: secret([cinnabar, alice], {
            machines: { cinnabar: to(6, 'machines', 'cinnabar') },
            users: { alice: to(6, 'users', 'alice') }
          }),
          value: { value: 'public' },
          '.validation-hash': 'x'
        }
      }
    },
    shared: {
      mesh: { psk: secret([electrum, alice], { groups: { admins: to(5, 'groups', 'admins') } }) }
    }
  }
})

const known = ['cinnabar', 'electrum']
async function problemsOf(fixture: object, hosts = [{ name: 'cinnabar', recipients: [] as string[] }]) {
  const tree = await readClanTree(openTree(t.testdir(fixture as Parameters<typeof t.testdir>[0])))
  return { tree, problems: clanProblems(tree, hosts, known) }
}

t.test('a tree in order: also a variable that is called secret', async (t) => {
  const { tree, problems } = await problemsOf(inOrder())
  t.same(problems, [])
  t.same(
    tree.secrets.map(({ path }) => path),
    [
      'vars/per-machine/cinnabar/value/secret/secret',
      'vars/shared/mesh/psk/secret',
      'sops/secrets/cinnabar-age.key/secret'
    ]
  )
  t.same(tree.secrets[0]?.named, { machines: ['cinnabar'], users: ['alice'], groups: [] })
})

t.test('recipients that differ from the links', async (t) => {
  const fixture = inOrder()
  fixture.vars['per-machine'].cinnabar.value.secret.secret = sopsFile('binary', [alice, stranger])
  const { problems } = await problemsOf(fixture)
  t.match(problems, [
    { kind: 'recipient-missing', severity: 'error', host: 'cinnabar', message: /machine cinnabar is named/ },
    { kind: 'recipient-unexplained', severity: 'warning', message: new RegExp(stranger) }
  ])
  t.equal(problems.length, 2)
})

t.test('a member of a group that cannot open what the group is named for', async (t) => {
  const fixture = inOrder()
  fixture.vars.shared.mesh.psk.secret = sopsFile('binary', [alice])
  t.match((await problemsOf(fixture)).problems, [
    { kind: 'recipient-missing', host: 'electrum', path: 'vars/shared/mesh/psk/secret' }
  ])
})

t.test('machines without keys, keys that are none, and another key than the host has', async (t) => {
  const without = inOrder()
  without.sops.machines.cinnabar = {} as ReturnType<typeof key>
  t.match((await problemsOf(without)).problems, [{ kind: 'host-without-key', host: 'cinnabar' }])
  for (const text of ['', '{"publickey":"age1x","type":"age"}', '[null]']) {
    const wrong = inOrder()
    wrong.sops.machines.cinnabar = { 'key.json': text }
    const kinds = (await problemsOf(wrong)).problems.map(({ kind }) => kind)
    t.same(kinds.slice(0, 2), ['key-unreadable', 'host-without-key'], text)
  }
  const differs = await problemsOf(inOrder(), [{ name: 'cinnabar', recipients: [stranger] }])
  t.match(differs.problems, [{ kind: 'key-differs', host: 'cinnabar', message: new RegExp(stranger) }])
})

t.test('machines that are no hosts', async (t) => {
  const fixture = inOrder()
  Object.assign(fixture.sops.machines, { galena: key(stranger) })
  Object.assign(fixture.vars['per-machine'], { old: { db: { password: secret([alice]) } } })
  t.match((await problemsOf(fixture)).problems, [
    { kind: 'host-unknown', severity: 'warning', path: 'sops/machines/galena' },
    { kind: 'host-unknown', severity: 'warning', path: 'vars/per-machine/old' }
  ])
})

t.test(
  'links to themselves, to elsewhere, and in the place of a folder or a secret are not followed',
  async (t) => {
    const fixture = inOrder()
    const { secret: variable } = fixture.vars['per-machine'].cinnabar.value
    Object.assign(variable, {
      machines: { cinnabar: link('cinnabar') },
      users: { alice: link('/etc'), bob: 'no link' }
    })
    Object.assign(fixture.vars.shared, { loop: link('.'), mesh: { psk: { secret: link('/etc/shadow') } } })
    const { problems } = await problemsOf(fixture)
    const wrong = problems.filter(({ kind }) => kind === 'link-wrong')
    t.match(wrong, [
      { path: /machines\/cinnabar$/, message: 'it leads to itself' },
      { path: /users\/alice$/, message: /leads to "\/etc"/ },
      { path: /users\/bob$/, message: /no link/ },
      { path: 'vars/shared/mesh/psk/secret', message: /is a link/ }
    ])
    t.equal(wrong.length, 4)
  }
)

t.test('what is exported, keys of several kinds, and what lies beside variables', async (t) => {
  const fixture = inOrder()
  const links = { alice: to(6, 'users', 'alice') }
  const named = { users: links, machines: { electrum: to(6, 'machines', 'electrum') } }
  const several = [
    { publickey: cinnabar, type: 'age' },
    { publickey: 'AB12', type: 'pgp' }
  ]
  fixture.sops.machines.cinnabar = { 'key.json': JSON.stringify(several) }
  Object.assign(fixture.vars, {
    'per-export': { web: { tls: { key: secret([alice], named), cert: { value: 'public' } } } }
  })
  Object.assign(fixture.vars.shared, {
    '.validation-hash': 'x',
    mesh: { ...fixture.vars.shared.mesh, note: 'x' }
  })
  const { tree, problems } = await problemsOf(fixture)
  t.same(tree.machines.get('cinnabar'), [cinnabar], 'age alone')
  t.match(problems, [
    { kind: 'recipient-missing', host: 'electrum', path: 'vars/per-export/web/tls/key/secret' }
  ])
  t.equal(problems.length, 1)
})

t.test('machines, variables and the whole tree in the place of which stands a link', async (t) => {
  const fixture = inOrder()
  Object.assign(fixture.sops.machines, { loop: link('loop') })
  Object.assign(fixture.vars['per-machine'], { loop: link('../per-machine'), self: link('self') })
  const { tree, problems } = await problemsOf(fixture)
  t.same(problems, [])
  t.same([...tree.machines.keys()], ['cinnabar', 'electrum'])
  t.equal(tree.secrets.length, 3, 'nothing is seen twice')
  const elsewhere = await problemsOf({ real: inOrder(), sops: link('real/sops'), vars: link('real/vars') })
  t.same(elsewhere.tree.secrets, [], 'not even the first folder is followed')
  t.match(elsewhere.problems, [
    { kind: 'link-wrong', path: 'sops' },
    { kind: 'link-wrong', path: 'vars' }
  ])
  const shared = inOrder()
  Object.assign(shared.vars, { shared: link('per-machine') })
  t.match((await problemsOf(shared)).problems, [
    { kind: 'link-wrong', path: 'vars/shared', severity: 'error' }
  ])
})

t.test('a secret in plain text is named, and not shown', async (t) => {
  const fixture = inOrder()
  fixture.vars.shared.mesh.psk.secret = 'hunter2'
  const { problems } = await problemsOf(fixture)
  t.match(problems, [{ kind: 'not-encrypted', path: 'vars/shared/mesh/psk/secret' }])
  t.notMatch(JSON.stringify(problems), /hunter2/)
})

t.test('no tree at all', async (t) => {
  t.same((await problemsOf({})).problems, [])
  const tree = openTree(join(t.testdir(), 'nowhere'))
  t.same(clanProblems(await readClanTree(tree), [], known), [])
})
