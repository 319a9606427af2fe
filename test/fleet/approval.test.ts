import { writeFileSync } from 'node:fs'
import t from 'tap'
import type { Statement } from '../../shared/approval.ts'
import { approvalTime, formatApproval } from '../../shared/approval.ts'
import { activate, agent, approvalWorld, handIn, listed, refused, SIGNERS, systems } from './approvals.ts'
import { journalOf, truthOf } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import { fleetUnavailable } from './root.ts'

t.test(
  'approval by signature on real hosts',
  { skip: fleetUnavailable() ?? false, timeout: 900_000 },
  async (t) => {
    const { fleet, ring, allow, sign, next } = await approvalWorld(t, ['cinnabar', 'electrum'])
    await using _: Fleet = fleet
    const [host, electrum] = [fleet.host('cinnabar'), fleet.host('electrum')]

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
        ['for another host', await sign(host, 'alice', path, { host: 'electrum' }), 'approval-wrong-host'],
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

      // As short as this machine is fast: what has expired on the way is not taken in.
      let soon: string | undefined
      for (const seconds of [4, 20, 90])
        soon ??= await give('alice', { expiresAt: approvalTime(Date.now() + seconds * 1000) })
      const expired = async () =>
        (await listed(host)).approvals.some(({ id, state }) => id === soon && state === 'expired')
      await host.waitFor(expired, 'the end of the approval')
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
        await host.must(['belay-agent', 'release'])
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
        await host.must(['belay-agent', 'release'])
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
  }
)
