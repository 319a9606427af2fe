import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Statement } from '../../shared/approval.ts'
import { approvalTime, formatApproval, formatStatement } from '../../shared/approval.ts'
import { keyRing } from '../agent/security/keys.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const SIGNERS = '/var/lib/signers'
const config = (approvers = 1, more = {}) => ({
  approval: { required: 'always', approvers, signersFile: SIGNERS, ...more }
})

/** An activation's end, as the command line tells it: the code of the refusal, or the last phase. */
async function activate(host: Host, path: string, ...more: string[]) {
  const argv = ['belay-agent', '--json', 'activate', path, '--auto-confirm', ...more]
  const { code, stdout } = await host.run(argv)
  const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')
  return { exit: code, ...(last as { error?: { code: string; message: string }; phase?: string }) }
}

t.test('approval by signature on real hosts', { skip: fleetUnavailable() ?? false }, async (t) => {
  const generation = (label: string, more = {}) => ({
    generation: label,
    agent: 'bundle',
    agentConfig: config(),
    ...more
  })
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum'],
    operator: true,
    agent: realAgent(),
    generations: {
      cinnabar: generation('baseline'),
      electrum: generation('baseline', { agentConfig: config(2) })
    }
  })
  const host = fleet.host('cinnabar')
  const ring = keyRing(t.testdir({}))
  for (const name of ['alice', 'bob', 'mallory']) ring.make(name)
  const allow = (where: Host, ...names: string[]) =>
    writeFileSync(
      join(where.root, SIGNERS),
      names.map((name) => `${name}@example.org ${ring.publicKey(name)}\n`).join(''),
      { mode: 0o644 }
    )
  for (const each of fleet.hosts) allow(each, 'alice', 'bob')
  /** The plan as the host has it now. */
  const planOf = async (where: Host, storePath: string) => {
    const curl = [
      'curl',
      '-s',
      '--unix-socket',
      '/run/belay/operate.sock',
      '-H',
      'content-type: application/json'
    ]
    const post = ['-d', JSON.stringify({ storePath }), 'http://agent/v1/profiles/system/preview']
    return JSON.parse(await where.must([...curl, ...post])) as { hash: string }
  }
  let made = 0
  const sign = async (where: Host, by: string, storePath: string, change: Partial<Statement> = {}) => {
    made += 1
    const now = Date.now()
    const text = formatStatement({
      host: where.name,
      profile: 'system',
      storePath,
      planHash: (await planOf(where, storePath)).hash,
      revision: null,
      issuedAt: approvalTime(now - 1000),
      expiresAt: approvalTime(now + 600_000),
      id: made.toString(16).padStart(32, '0'),
      ...change
    })
    return formatApproval(text, ring.sign(by, text))
  }
  const handIn = async (where: Host, document: string) => {
    const { stdout } = await where.run(['belay-agent', '--json', 'approve', '-'], { input: document })
    return JSON.parse(stdout) as { id?: string; state?: string; error?: { code: string; message: string } }
  }
  const next = async (where: Host, label: string, more = {}) => {
    fleet.writeGenerations({ [where.name]: generation(label, more) })
    return fleet.push(where.name)
  }
  const list = async (where: Host) =>
    (
      JSON.parse(await where.must(['belay-agent', '--json', 'approvals'])) as {
        approvals: { id: string; state: string }[]
      }
    ).approvals

  const first = await next(host, 'first')
  const before = await truthOf(host)

  await t.test('nothing is activated without an approval, and with one it is', async (t) => {
    t.match(await activate(host, first), { exit: 1, error: { code: 'approval-missing' } })
    t.same(await truthOf(host), before)
    const document = await sign(host, 'alice', first)
    t.match(await handIn(host, document), { state: 'waiting', principal: 'alice@example.org' })
    t.match(await activate(host, first), { exit: 0, phase: 'committed' })
    t.equal((await truthOf(host)).running, first)
    t.match(await list(host), [{ state: 'used' }])
  })
})
