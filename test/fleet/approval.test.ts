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

/** What `belay-agent --json` says last; of an operation's events the last of its journal. */
async function agent(host: Host, args: readonly string[], input = ''): Promise<Answer> {
  const { code, stdout } = await host.run(['belay-agent', '--json', ...args], { input })
  const said = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line || '{}') as Omit<Answer, 'exit'> & { readonly type?: string })
  return { exit: code, ...said.findLast(({ type }) => type !== 'output') }
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

/** What runs, what is chosen, what boots. */
async function systems(host: Host) {
  const { running, profile, bootDefault } = await truthOf(host)
  return { running, profile, bootDefault }
}

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

t.test(
  'approval by signature on real hosts',
  { skip: fleetUnavailable() ?? false, timeout: 240_000 },
  async (t) => {
    const { fleet, cinnabar: host, electrum, ring, allow, sign, next } = await world(t)
    await using _: Fleet = fleet

    await t.test('nothing is activated without an approval, and with one it is', async (t) => {
      const before = await systems(host)
      const path = await next(host, 'first')
      t.match(await activate(host, path), refused('approval-missing', /nobody has approved/))
      t.same(await systems(host), before, 'nothing has changed')
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
        [
          'a stale plan',
          await sign(host, 'alice', path, { planHash: '0'.repeat(64) }),
          'approval-wrong-plan'
        ],
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

    await t.test('what no longer holds when it is used is refused, each with its code', async (t) => {
      const before = await systems(host)
      const path = await next(host, 'third')
      const give = async (by: string, change: Partial<Statement> = {}) => {
        const { id } = (await handIn(host, await sign(host, by, path, change))) as unknown as { id: string }
        return id
      }
      const revoke = (id: string) => agent(host, ['approvals', 'revoke', id, '--reason', 'not today'])
      t.match(await revoke(await give('alice')), { exit: 0, state: 'revoked' })
      t.match(await activate(host, path), refused('approval-revoked', /not today/))

      const soon = await give('alice', { expiresAt: approvalTime(Date.now() + 3000) })
      const expired = async () =>
        (await listed(host)).approvals.some(({ id, state }) => id === soon && state === 'expired')
      await host.waitFor(expired, 10_000, 'the end of the approval')
      t.match(await activate(host, path), refused('approval-expired'))

      await give('bob')
      allow('alice')
      t.match(await activate(host, path), refused('approval-unknown-key'), 'whose key has gone meanwhile')
      allow('alice', 'bob')
      for (const [where, mode, good] of [
        [SIGNERS, '666', '644'],
        ['/var/lib', '777', '755']
      ] as const) {
        await host.must(['chmod', mode, where])
        t.match(await activate(host, path), refused('approval-signers-unsafe', /writable by others/), where)
        await host.must(['chmod', good, where])
      }
      await host.must([
        'sh',
        '-c',
        `mv ${SIGNERS} /tmp/signers && ln -s /tmp/signers ${SIGNERS} && chown nobody /tmp/signers`
      ])
      t.match(
        await activate(host, path),
        refused('approval-signers-unsafe', /belongs to user/),
        'a link elsewhere'
      )
      await host.must(['sh', '-c', `chown root /tmp/signers && mv /tmp/signers ${SIGNERS}`])

      const file = (
        await host.must(['sh', '-c', 'ls -t /var/lib/belay/approvals/*[0-9a-f].json | head -n 1'])
      ).trim()
      await host.must(['sh', '-c', `mv ${file} /root/theirs && ln -s /root/theirs ${file}`])
      t.match(await activate(host, path), refused('approval-expired'), 'an approval that is a link is none')
      await host.must(['mv', '/root/theirs', file])

      const other = await next(host, 'other')
      t.match(await activate(host, other), refused('approval-wrong-path'), 'what it approves is another path')
      t.same(await systems(host), before, 'nothing has changed by all that')
      t.match(await activate(host, path), { exit: 0, phase: 'committed' }, 'and it is still good')
    })

    await t.test(
      'an approval is for one operation, one revision, one plan; the way back needs none',
      async (t) => {
        const before = await systems(host)
        t.match(await activate(host, before.running), refused('approval-used'), 'once more')
        const path = await next(host, 'fourth')
        const old = (await handIn(host, await sign(host, 'alice', path, { revision: 7 }))) as unknown as {
          id: string
        }
        t.match(await activate(host, path), refused('approval-wrong-revision'))
        t.match(await activate(host, path, '--revision', '8'), refused('approval-wrong-revision'))

        t.match(
          await agent(host, ['rollback']),
          { exit: 0, phase: 'rolled-back' },
          'back, without an approval'
        )
        const { running } = await truthOf(host)
        t.not(running, before.running)
        const stale = refused('approval-wrong-plan', new RegExp(`approved ${before.running}, now ${running}`))
        t.match(
          await activate(host, path, '--revision', '7'),
          stale,
          'the host is not where it was when that was approved'
        )
        await agent(host, ['approvals', 'revoke', old.id, '--reason', 'stale'])
        const replay = await sign(host, 'alice', path, { revision: 7 })
        t.match(await handIn(host, replay), { exit: 0 })
        t.match(await activate(host, path, '--revision', '7'), { exit: 0, phase: 'committed' })
        t.match(await agent(host, ['rollback']), { exit: 0 })
        t.match(await handIn(host, replay), { state: 'used' }, 'handed in again it is the same, and used')
        t.match(await activate(host, path, '--revision', '7'), refused('approval-used'))
      }
    )

    await t.test('two approvers are two people; the file comes with the generation', async (t) => {
      const path = await next(electrum, 'first')
      t.match(await electrum.must(['readlink', '-f', '/etc/belay/allowed_signers']), /^\/nix\/store/)
      t.match(await activate(electrum, path), refused('approval-missing'))
      for (const by of ['alice', 'alice']) {
        t.match(await handIn(electrum, await sign(electrum, by, path)), { exit: 0 })
        t.match(
          await activate(electrum, path),
          refused('approval-too-few', /approved by alice@example\.org; .* 2/)
        )
      }
      t.match(await handIn(electrum, await sign(electrum, 'bob', path)), { exit: 0 })
      t.match(await activate(electrum, path), { exit: 0, phase: 'committed' })
      const { approvals } = await listed(electrum)
      t.same(approvals.map(({ state }) => state).sort(), ['used', 'used', 'waiting'])
    })

    await t.test('a runner that is killed behind the use goes on with the same approval', async (t) => {
      const path = await next(host, 'killed')
      const { id } = (await handIn(host, await sign(host, 'alice', path))) as unknown as { id: string }
      const root = `/proc/${host.leader}/root`
      const seen = fleet.exec([
        'perl',
        '-e',
        killWhenUsed,
        root,
        `${root}/var/lib/belay/approvals/${id}.spent.json`
      ])
      t.match(await activate(host, path), { exit: 0, phase: 'committed' })
      const { stdout } = await seen
      t.match(stdout, /^killed \d+, approved 0 times/, 'before the journal had it')
      const operation = await journalOf(host)
      t.match((await listed(host)).approvals[0], { id, state: 'used', endedBy: operation.id })
      const journal = await host.must(['cat', `/var/lib/belay/operations/${operation.id}/journal.jsonl`])
      t.equal(journal.split('"type":"approved"').length - 1, 1)
      t.match(await host.run(['belay-agent', 'audit', 'verify', operation.id]), { code: 0 })
    })

    await t.test(
      'a configuration that cannot be read lets nothing new through, and the way back is free',
      async (t) => {
        const path = await next(host, 'broken')
        await handIn(host, await sign(host, 'alice', path))
        await host.must(['sh', '-c', 'rm /etc/belay/agent.json && echo "{" > /etc/belay/agent.json'])
        const body = JSON.stringify({ storePath: path, confirm: { by: 'health', windowSeconds: 60 } })
        await host.must([
          'curl',
          '-sf',
          '--unix-socket',
          '/run/belay/operate.sock',
          '--json',
          body,
          'http://a/v1/operations'
        ])
        await host.waitFor(
          async () => (await journalOf(host)).phases.at(-1) === 'refused',
          15_000,
          'the refusal'
        )
        const journal = await host.must([
          'cat',
          `/var/lib/belay/operations/${(await journalOf(host)).id}/journal.jsonl`
        ])
        t.match(
          journal,
          /"code":"approval-signers-unsafe"/,
          'the runner judges for itself, and wants an approval'
        )
        t.match(await agent(host, ['rollback', '--generation', '1']), { exit: 0, phase: 'rolled-back' })
      }
    )
  }
)

/** Kills the runner the moment a file is there, and tells what its journal had. */
const killWhenUsed = `use Time::HiRes qw(sleep); my ($root, $file) = @ARGV;
for (1 .. 200000) { last if -e $file; sleep 0.0002 }
open(my $procs, '<', "$root/sys/fs/cgroup/system.slice/belay-operation.service/cgroup.procs") or die $!;
chomp(my @pids = <$procs>); kill('KILL', @pids);
my ($journal) = sort { $b cmp $a } glob("$root/var/lib/belay/operations/*/journal.jsonl");
open(my $read, '<', $journal) or die $!; local $/; my $n = () = <$read> =~ /"type":"approved"/g;
print 'killed ', scalar @pids, ", approved $n times\n"`
