import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { twoSystems } from '../../agent/security/two-systems.ts'
import type { Statement } from '../../shared/approval.ts'
import { approvalTime, formatApproval, formatStatement } from '../../shared/approval.ts'
import { keyRing } from '../agent/security/keys.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

/** Cinnabar has its signers in a file that the tests change; electrum in its generation, as NixOS has it. */
const SIGNERS = '/var/lib/signers'
const people = ['alice', 'bob', 'mallory'] as const

interface Answer {
  readonly exit: number | null
  readonly error?: { readonly code: string; readonly message: string }
  readonly phase?: string
  readonly message?: string
}

/** What `belay-agent --json` says last. */
async function agent(host: Host, args: readonly string[], input = ''): Promise<Answer> {
  const { code, stdout } = await host.run(['belay-agent', '--json', ...args], { input })
  return { exit: code, ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Omit<Answer, 'exit'>) }
}

const activate = (host: Host, path: string, ...more: string[]) =>
  agent(host, ['activate', path, '--auto-confirm', ...more])
const handIn = (host: Host, document: string) => agent(host, ['approve', '-'], document)
const refused = (code: string, message?: RegExp) => ({
  exit: 1,
  error: { code, ...(message ? { message } : {}) }
})
const listed = async (host: Host) =>
  (await agent(host, ['approvals'])) as unknown as { approvals: { id: string; state: string }[] }

/** Two hosts that activate nothing without a signature, and people with keys. */
async function world(t: Test) {
  const ring = keyRing(t.testdir({}))
  for (const name of people) ring.make(name)
  const signers = (...names: string[]) =>
    names
      .map((name) => `${name}@example.org namespaces="belay-approval@belay" ${ring.publicKey(name)}\n`)
      .join('')
  const generations = {
    cinnabar: (generation: string, more = {}) => ({
      ...{ generation, agent: 'bundle', ...more },
      agentConfig: { approval: { required: 'always', signersFile: SIGNERS } }
    }),
    electrum: (generation: string, more = {}) => ({
      ...{ generation, agent: 'bundle', ...more },
      agentConfig: { approval: { required: 'always', approvers: 2 } },
      files: { 'etc/belay/allowed_signers': signers('alice', 'bob') }
    })
  }
  const fleet = await startFleet({
    hosts: ['cinnabar', 'electrum'],
    operator: true,
    agent: realAgent(),
    generations: { cinnabar: generations.cinnabar('baseline'), electrum: generations.electrum('baseline') }
  })
  const [cinnabar, electrum] = [fleet.host('cinnabar'), fleet.host('electrum')]
  const allow = (...names: string[]) =>
    writeFileSync(join(cinnabar.root, SIGNERS), signers(...names), { mode: 0o644 })
  allow('alice', 'bob')
  let made = 0
  const sign = async (host: Host, by: string, storePath: string, change: Partial<Statement> = {}) => {
    made += 1
    const now = Date.now()
    const text = formatStatement({
      ...{ host: host.name, profile: 'system', storePath, revision: null },
      planHash: await planOf(host, storePath),
      issuedAt: approvalTime(now - 1000),
      expiresAt: approvalTime(now + 600_000),
      id: made.toString(16).padStart(32, '0'),
      ...change
    })
    return formatApproval(text, ring.sign(by, text))
  }
  const next = async (host: Host, label: string, more = {}) => {
    fleet.writeGenerations({ [host.name]: generations[host.name as keyof typeof generations](label, more) })
    return fleet.push(host.name)
  }
  return { fleet, cinnabar, electrum, ring, allow, sign, next }
}

async function planOf(host: Host, storePath: string): Promise<string> {
  return (await twoSystems(async () => (await truthOf(host)).running)(storePath)).hash
}

t.test('approval by signature on real hosts', { skip: fleetUnavailable() ?? false }, async (t) => {
  const { fleet, cinnabar: host, electrum, ring, allow, sign, next } = await world(t)
  await using _: Fleet = fleet

  await t.test('nothing is activated without an approval, and with one it is', async (t) => {
    const before = await truthOf(host)
    const path = await next(host, 'first')
    t.match(await activate(host, path), refused('approval-missing', /nobody has approved/))
    t.same(await truthOf(host), before, 'nothing has changed')
    t.match(await handIn(host, await sign(host, 'alice', path)), {
      exit: 0,
      state: 'waiting',
      principal: 'alice@example.org'
    })
    t.match(await activate(host, path), { exit: 0, phase: 'committed' })
    t.match(await truthOf(host), { running: path, profile: path, bootDefault: path })
    t.match(await listed(host), { approvals: [{ state: 'used', endedBy: (await journalOf(host)).id }] })
  })

  await t.test('the journal has the signature, so that it can be verified again elsewhere', async (t) => {
    const { id } = await journalOf(host)
    const journal = await host.must(['cat', `/var/lib/belay/operations/${id}/journal.jsonl`])
    const events = journal
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    const event = events.find(({ type }) => type === 'approved')
    t.match(event, { principal: 'alice@example.org', key: /^SHA256:/ })
    writeFileSync(ring.file('signature'), event.signature)
    writeFileSync(ring.file('signers'), `alice@example.org ${ring.publicKey('alice')}\n`)
    t.match(ring.verify('alice@example.org', 'signers', 'signature', event.statement), /^Good /)
    const order = events.map((e) => (e.type === 'moved' ? e.to : e.type))
    t.ok(order.indexOf('approved') < order.indexOf('arming'), 'before anything changed')
  })

  await t.test('what is handed in wrong is refused, each with its code', async (t) => {
    const path = await next(host, 'second')
    const good = await sign(host, 'alice', path)
    const hour = 3_600_000
    const times = {
      issuedAt: approvalTime(Date.now() - 2 * hour),
      expiresAt: approvalTime(Date.now() - hour)
    }
    const old = { issuedAt: approvalTime(Date.now() - 800 * hour), expiresAt: '2099-01-01T00:00:00Z' }
    const cases: [string, string, string][] = [
      ['an unknown key', await sign(host, 'mallory', path), 'approval-unknown-key'],
      ['expired', await sign(host, 'alice', path, times), 'approval-expired'],
      ['older than the host allows', await sign(host, 'alice', path, old), 'approval-expired'],
      ['for another host', await sign(electrum, 'alice', path), 'approval-wrong-host'],
      ['a stale plan', await sign(host, 'alice', path, { planHash: '0'.repeat(64) }), 'approval-wrong-plan'],
      ['changed by a byte', good.replace('id: 0', 'id: 1'), 'approval-bad-signature'],
      ['another behind it', good + good, 'approval-malformed'],
      ['no approval', 'yes', 'approval-malformed']
    ]
    for (const [name, document, code] of cases)
      t.match(await handIn(host, document), refused(code), `${name}: ${code}`)
    const text = good.slice(0, good.indexOf('-----'))
    const forGit = formatApproval(text, ring.sign('alice', text, 'git'))
    t.match(await handIn(host, forGit), refused('approval-bad-signature'), 'signed for git')
    t.match(await activate(host, path), refused('approval-missing'))
  })
})
