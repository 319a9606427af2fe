import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { approvalTime } from '../../shared/approval.ts'
import { keyRing } from '../agent/security/keys.ts'
import {
  activate,
  agent,
  configure,
  handIn,
  intents,
  listed,
  refused,
  SIGNERS,
  signing
} from './approvals.ts'
import { activations, realAgent, truthOf } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const names = ['cinnabar', 'galena'] as const
/** Who holds the controller has this account on the hosts and no other: the group of the operate socket. */
const USER = 'deployer'

const fleetFile = `version: 1
flake: path:/root/fleet
defaults: { confirm: { windowSeconds: 60 }, push: { checkSignatures: false } }
rollout:
  stages:
    - { name: first, select: { hosts: [cinnabar] }, approval: true }
    - { name: rest, select: { hosts: [galena] }, approval: true }
hosts:
${names.map((name) => `  ${name}: { connection: { ssh: { host: ${name}, user: ${USER} } } }\n`).join('')}`

const generations = (label: string) =>
  Object.fromEntries(
    names.map((name) => [
      name,
      {
        ...{ generation: label, agent: 'bundle' },
        agentConfig: { ...intents, groups: { operate: USER } }
      }
    ])
  )

/** Two hosts that activate nothing but signed intents, people with keys, and a controller that is root nowhere. */
async function intentWorld(t: Test) {
  const ring = keyRing(t.testdir({}))
  for (const name of ['alice', 'bob', 'mallory']) ring.make(name)
  const fleet = await startFleet({
    ...{ hosts: names, operator: true, agent: realAgent() },
    generations: generations('baseline')
  })
  const allow = (...lines: string[]) => {
    for (const { root } of fleet.hosts) writeFileSync(join(root, SIGNERS), lines.join(''), { mode: 0o644 })
  }
  const signer = (name: string, more = '') =>
    `${name}@example.org namespaces="belay-approval@belay"${more} ${ring.publicKey(name)}\n`
  allow(signer('alice'))
  const at = (path: string) => join(fleet.operator.root, 'root', path)
  writeFileSync(at('fleet.yaml'), fleetFile)
  for (const name of ['alice', 'bob', 'mallory'])
    for (const end of ['', '.pub']) cpSync(ring.file(`${name}${end}`), at(`${name}${end}`))
  for (const host of fleet.hosts) await addUser(host)
  return { fleet, allow, signer, sign: signing(ring) }
}

async function addUser(host: Host): Promise<void> {
  await host.must([
    ...['sh', '-c'],
    `useradd --create-home --groups nix-users ${USER}; cp -r /root/.ssh /home/${USER}/; chown -R ${USER}: /home/${USER}/.ssh
    systemctl restart belay-agent`
  ])
}

const belay = (fleet: Fleet, ...args: string[]) =>
  fleet.operator.run(['belay', '--fleet', '/root/fleet.yaml', '--json', ...args], { timeoutMs: 280_000 })

/** A rollout of the next generation, whose closures the hosts have already, up to where it waits for a person. */
async function begin(fleet: Fleet, label: string): Promise<{ cinnabar: string; galena: string }> {
  fleet.writeGenerations(generations(label))
  const paths = { cinnabar: await fleet.push('cinnabar'), galena: await fleet.push('galena') }
  const started = await belay(fleet, 'rollout', 'start', '--supersede', '--wait', '1s')
  if (started.code !== 5) throw new Error(`${started.code}: ${started.stdout}${started.stderr}`)
  return paths
}
const approve = async (fleet: Fleet, stage: string, key: string) => {
  const { code, stdout } = await belay(fleet, 'rollout', 'approve', stage, '--sign', '--key', `/root/${key}`)
  return { code, ...(JSON.parse(stdout) as { signed: { host: string; problem: string | null }[] }) }
}
const drive = (fleet: Fleet, wait: string) => belay(fleet, 'rollout', 'drive', '--wait', wait)
const status = async (fleet: Fleet) => {
  const { stdout } = await belay(fleet, 'rollout', 'status')
  const report = JSON.parse(stdout) as {
    plan: { revision: number }
    hosts: { host: string; is: string; reason: { code: string; text: string } | null }[]
  }
  return { ...report, of: (name: string) => report.hosts.find(({ host }) => host === name) }
}
const running = async (fleet: Fleet) =>
  await Promise.all(fleet.hosts.map(async (host) => (await truthOf(host)).running))

const approvals = async (host: Host) =>
  (await listed(host)).approvals as unknown as { storePath: string; approval: string }[]

t.test('signed intents', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  const { fleet, allow, signer, sign } = await intentWorld(t)
  await using _: Fleet = fleet
  const [cinnabar, galena] = [fleet.host('cinnabar'), fleet.host('galena')]
  const next = async (label: string) => {
    fleet.writeGenerations(generations(label))
    return await fleet.push('cinnabar')
  }
  const used = async (host: Host) => {
    const metrics = ['curl', '-s', '--unix-socket', '/run/belay/observe.sock', 'http://x/metrics']
    return /^belay_agent_approved_revision\{profile="system"\} (\S+)$/m.exec(await host.must(metrics))?.[1]
  }
  const early = await next('early')
  t.match(await handIn(cinnabar, await sign(cinnabar, 'alice', early, { revision: 5 })), { exit: 0 })

  await t.test(
    'a staged rollout passes with an intent for each host, and stops where there is none',
    async (t) => {
      const paths = await begin(fleet, 'signed')
      const { plan, of } = await status(fleet)
      t.match(of('cinnabar')?.reason, { code: 'waiting-for-approval' })
      t.match(await approve(fleet, 'first', 'alice'), {
        code: 0,
        signed: [{ host: 'cinnabar', problem: null }]
      })
      t.match(await drive(fleet, '1s'), { code: 5 }, 'the other stage waits for a person too')
      t.same(await running(fleet), [paths.cinnabar, (await truthOf(galena)).running])
      t.match(await belay(fleet, 'rollout', 'approve', 'rest'), { code: 0 }, 'the word without a signature')
      t.match(await drive(fleet, '1s'), { code: 5 })
      t.match((await status(fleet)).of('galena'), { reason: { text: /approv/ } })
      t.equal(await activations(galena), 0)
      t.match(await approve(fleet, 'rest', 'alice'), { code: 0, signed: [{ host: 'galena', problem: null }] })
      t.match(await drive(fleet, '60s'), { code: 0 })
      t.same(await running(fleet), [paths.cinnabar, paths.galena])
      for (const host of fleet.hosts) t.equal(await used(host), String(plan.revision), host.name)
    }
  )

  await t.test('who took the controller over, and has no key of ours, activates nothing', async (t) => {
    const before = await running(fleet)
    const counts = await Promise.all(fleet.hosts.map(activations))
    const paths = await begin(fleet, 'taken')
    const forged = await approve(fleet, 'first', 'mallory')
    t.match(forged, { code: 1, signed: [{ host: 'cinnabar', problem: /a key that may not approve here/ }] })
    t.match(await drive(fleet, '1s'), { code: 5 })
    t.match((await status(fleet)).of('cinnabar')?.reason, { text: /approv/ })
    const high = ['--revision', '9999999999']
    const deploy = [
      'deploy',
      '--no-build',
      '--no-push',
      '--host',
      'galena',
      '--path',
      `galena=${paths.galena}`
    ]
    t.match(await belay(fleet, ...deploy, ...high), { code: 1, stdout: /"code":"approval-missing"/ })
    // The same without our own program, by the account that it has.
    const ask = ['curl', '-s', '--unix-socket', '/run/belay/operate.sock', '--json', '@-', '-X']
    const confirm = { by: 'health', windowSeconds: 60 }
    const wanted = { storePath: paths.galena, revision: 9_999_999_999, confirm }
    for (const [method, path, body, code] of [
      ['POST', '/v1/operations', wanted, 'approval-missing'],
      // What was signed before is there, for another path.
      ['PUT', '/v1/desired', { profile: 'system', ...wanted }, 'approval-wrong-path'],
      ['POST', '/v1/rollback', { generation: 999 }, 'generation-unknown']
    ] as const) {
      const ssh = ['ssh', `${USER}@galena`, ...ask, method, `http://x${path}`]
      const { stdout } = await fleet.operator.run(ssh, { input: JSON.stringify(body) })
      t.match(JSON.parse(stdout), { code }, `${method} ${path}`)
    }
    const steal = await fleet.operator.run(['ssh', `${USER}@galena`, 'ls /var/lib/belay; id'])
    t.match(steal, { stderr: /Permission denied/, stdout: new RegExp(USER) })
    t.same(await running(fleet), before)
    t.same(await Promise.all(fleet.hosts.map(activations)), counts)
    t.match(await belay(fleet, 'rollout', 'abort', '--reason', 'not ours'), { code: 0 })
  })

  await t.test(
    'what was signed once is good for nothing else, and a power cut changes nothing',
    async (t) => {
      const before = await truthOf(cinnabar)
      const revision = Number(await used(cinnabar))
      const again = (path: string, number: number) =>
        activate(cinnabar, path, '--again', '--revision', `${number}`)
      const replay = () =>
        agent(cinnabar, ['activate', before.running, '--again', '--revision', `${revision}`])
      const own = (await approvals(cinnabar)).find(({ storePath }) => storePath === before.running)
      const [foreign] = await approvals(galena)
      const [frozen, other] = [await next('frozen'), await next('other')]
      const hourAgo = Date.now() - 3_600_000
      const long = { issuedAt: approvalTime(hourAgo), revision: revision + 1 }
      t.match(await handIn(cinnabar, await sign(cinnabar, 'alice', frozen, long)), { exit: 0 })
      t.match(await replay(), refused('approval-used'), 'replayed')
      await configure(cinnabar, { approval: { ...intents.approval, maxAgeSeconds: 60 } })
      t.match(
        await again(frozen, revision + 1),
        refused('approval-expired'),
        'kept back until it was too old'
      )

      await cinnabar.powerCut()
      await cinnabar.boot()
      t.match(await replay(), refused('approval-used'), 'replayed')
      t.match(await again(early, 5), refused('approval-older'), 'one of before that was never used')
      t.match(
        await again(early, revision + 1),
        refused('approval-wrong-revision'),
        'the same under a new revision'
      )
      t.match(
        await again(other, revision + 1),
        refused('approval-wrong-path'),
        'for the path of another intent'
      )
      const give = async (document: string | undefined) => await handIn(cinnabar, document ?? '')
      t.match(await give(own?.approval), { exit: 0, state: 'used' }, 'handed in again it stays used')
      t.match(await give(foreign?.approval), refused('approval-wrong-host'), 'of galena')
      const renamed = foreign?.approval.replace('host: galena', 'host: cinnabar')
      t.match(await give(renamed), refused('approval-bad-signature'), 'of galena, with another name on it')
      const mixed = { revision: revision + 1, planHash: 'a'.repeat(64) }
      t.match(
        await give(await sign(cinnabar, 'alice', foreign?.storePath ?? '', mixed)),
        refused('path-not-valid'),
        'the path of galena'
      )
      const past = { ...long, expiresAt: approvalTime(hourAgo + 60_000) }
      t.match(await give(await sign(cinnabar, 'alice', other, past)), refused('approval-expired'), 'expired')
      t.match(
        await give(await sign(cinnabar, 'mallory', other, { revision: revision + 1 })),
        refused('approval-unknown-key')
      )
      t.same(await truthOf(cinnabar), before)
      t.equal(await used(cinnabar), String(revision), 'the revision stands')
    }
  )

  await t.test('a key that was rotated out signs nothing; the new one goes on', async (t) => {
    const revision = Number(await used(cinnabar))
    const path = await next('rotated')
    t.match(await handIn(cinnabar, await sign(cinnabar, 'alice', path, { revision: revision + 1 })), {
      exit: 0
    })
    allow(signer('alice', ',valid-before="20200101"'), signer('bob'))
    t.match(
      await activate(cinnabar, path, '--revision', `${revision + 1}`),
      refused('approval-unknown-key'),
      'what it signed before counts no more'
    )
    const paths = await begin(fleet, 'by-bob')
    t.match((await approve(fleet, 'first', 'alice')).signed, [{ problem: /a key that may not approve here/ }])
    t.match(await approve(fleet, 'first', 'bob'), { code: 0 })
    t.match(await approve(fleet, 'rest', 'bob'), { code: 0 })
    t.match(await drive(fleet, '60s'), { code: 0 })
    t.same(await running(fleet), [paths.cinnabar, paths.galena])
    t.match(await agent(cinnabar, ['rollback']), { exit: 0, phase: 'rolled-back' }, 'the way back needs none')
  })
})
