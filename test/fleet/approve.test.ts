import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { CommandResult } from '../../shared/command.ts'
import { runCommand } from '../../shared/command.ts'
import { activate, agent, approvalWorld, handIn, listed, planOf, refused } from './approvals.ts'
import { journalOf, truthOf, writeFleetFile } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

/** A shell command on the operator's machine, beside an ssh-agent that alone has the key of alice. */
const withKey = (fleet: Fleet, command: string) => {
  const hide = 'ssh-add -q /root/alice && mv /root/alice /root/away'
  const script = `${hide}; ${command}; code=$?; mv /root/away /root/alice; exit $code`
  return fleet.operator.run(['ssh-agent', 'sh', '-c', script])
}
const belay = (...args: string[]) => ['belay', '--fleet', '/root/fleet.yaml', ...args].join(' ')

t.test(
  'approval from afar, by policy, and through crashes',
  { skip: fleetUnavailable() ?? false, timeout: 900_000 },
  async (t) => {
    const { fleet, ring, sign, next } = await approvalWorld(t, ['cinnabar', 'galena'])
    await using _: Fleet = fleet
    const host = fleet.host('cinnabar')

    await t.test('belay approve, with a key that only the ssh-agent of the operator has', async (t) => {
      writeFleetFile(fleet, 60)
      const path = await next(host, 'from-afar')
      const here = join(fleet.operator.root, 'root')
      for (const end of ['', '.pub']) cpSync(ring.file(`alice${end}`), join(here, `alice${end}`))
      const approve = (storePath: string, plan: string, ...more: string[]) =>
        withKey(fleet, belay('approve', 'cinnabar', '--path', storePath, '--plan', plan, ...more))

      const plan = await host.must(['belay-agent', '--json', 'preview', path])
      const files = [{ path: 'motd', change: 'removed', diff: null, note: null }]
      writeFileSync(join(here, 'plan.json'), plan)
      writeFileSync(join(here, 'stale.json'), JSON.stringify({ ...JSON.parse(plan), files }))
      const stale = { code: 1, stderr: /files motd: approved removed, now nothing.*\[approval-wrong-plan\]/s }
      t.match(await approve(path, '/root/stale.json'), stale)
      t.match(await approve(path, '0'.repeat(64)), { code: 1, stderr: /\[approval-wrong-plan\]/ })
      t.same((await listed(host)).approvals, [], 'nothing was signed')

      t.match(await approve(path, '/root/plan.json'), {
        code: 0,
        stdout: /cinnabar has it: approved by alice@example\.org/,
        stderr: new RegExp(`You approve that cinnabar activates[^]*\\| store path: ${path}[^]*\\| id: `)
      })
      const listing = await fleet.operator.run(['sh', '-c', belay('approvals', 'cinnabar')])
      t.match(listing, { code: 0, stdout: /waiting {2}alice@example\.org/ })
      const deploy = belay(
        'deploy',
        '--no-build',
        '--no-push',
        '--path',
        `cinnabar=${path}`,
        '--host',
        'cinnabar'
      )
      t.match(await fleet.operator.run(['sh', '-c', deploy]), { code: 0 })
      t.equal((await truthOf(host)).running, path)

      const last = await next(host, 'by-hand')
      t.match(await approve(last, await planOf(host, last), '--auto-confirm', '--out', '/root/approval'), {
        code: 0
      })
      const document = readFileSync(join(here, 'approval'), 'utf8')
      t.match(await handIn(host, document), { state: 'waiting' }, 'carried there by hand')
      const { approvals } = await listed(host)
      const revoke = belay('approvals', 'revoke', 'cinnabar', String(approvals[0]?.id), '--reason', 'enough')
      t.match(await fleet.operator.run(['sh', '-c', revoke]), { code: 0, stdout: /revoked/ })
      t.match(await activate(host, last), refused('approval-revoked', /enough/))
    })

    await t.test('where only what is irreversible needs one', async (t) => {
      const galena = fleet.host('galena')
      t.match(await activate(galena, await next(galena, 'plain')), { exit: 0, phase: 'committed' })
      const path = await next(galena, 'kernel', { kernelParams: 'quiet' })
      t.match(await activate(galena, path), refused('approval-missing'))
      t.match(await handIn(galena, await sign(galena, 'bob', path)), { exit: 0 })
      t.match(await activate(galena, path), { exit: 0, phase: 'committed' })
    })

    await t.test('a runner that is killed behind the use goes on with the same approval', async (t) => {
      const path = await next(host, 'killed')
      const { id } = (await handIn(host, await sign(host, 'alice', path))) as unknown as { id: string }
      const { result } = await killAtOpen(host, `/var/lib/belay/approvals/${id}.spent.json`)
      t.match(await activate(host, path), { exit: 0, phase: 'committed' })
      t.match(await result, { code: 0, stdout: 'killed, approved 0 times' }, 'used, and not told yet')
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
        await host.waitFor(async () => (await journalOf(host)).phases.at(-1) === 'refused', 'the refusal')
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

/** Kills the runner when it opens the directory of the approvals with this file in it, once it lies in wait for that. */
async function killAtOpen(host: Host, file: string): Promise<{ readonly result: Promise<CommandResult> }> {
  const armed = Promise.withResolvers<void>()
  const script = join(import.meta.dirname, 'kill-at-open.pl')
  const argv = [script, `/proc/${host.leader}/root`, 'belay-operation.service', dirname(file), file]
  const result = runCommand(argv, { timeoutMs: 90_000, onStderrLine: () => armed.resolve() })
  await Promise.race([armed.promise, result])
  return { result }
}
