import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { activations, realAgent, truthOf } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { waitFor } from './host.ts'
import { cutWhileUnderWay, rebootSoakAndWindow } from './rollout-interrupted.ts'
import { fleetUnavailable } from './root.ts'

const names = ['cinnabar', 'electrum', 'galena', 'stibnite']

/** The order of the fleet in compressed time: controller, its peers, the primary last. */
function writePolicy(fleet: Fleet): void {
  const host = (name: string, entry: string) =>
    `  ${name}: { ${entry}, connection: { ssh: { host: ${name}, user: root } } }\n`
  const text = `version: 1
flake: path:/root/fleet
sources: [flake, clan]
defaults:
  confirm: { windowSeconds: 20 }
  push: { checkSignatures: false }
rollout:
  stages:
    - { name: controller, select: { roles: [controller] }, soak: 3s }
    - name: peers
      select: { roles: [peer], hosts: [electrum, galena] }
      maxParallel: 2
      soak: 2s
      gatesAfter: [{ name: reachable, command: [ssh, galena, "true"] }]
    - { name: primary, select: { hosts: [stibnite] } }
  order:
    - { role: controller, before: peer }
hosts:
${host('cinnabar', 'roles: [controller]')}${host('electrum', 'roles: [peer]')}${host('galena', 'roles: [peer]')}${host('stibnite', 'roles: [peer], tags: [primary]')}`
  writeFileSync(join(fleet.operator.root, 'root/fleet.yaml'), text)
}

/** A clan inventory beside the systems, as a flake has it. */
function addClan(fleet: Fleet): void {
  const file = join(fleet.operator.root, 'root/fleet/flake.nix')
  const text = readFileSync(file, 'utf8')
  const clan = `clan.inventory.machines = {
        cinnabar = { tags = [ "all" "vps" ]; machineClass = "nixos"; deploy.targetHost = "root@cinnabar"; };
        argentum = { tags = [ "laptop" ]; machineClass = "darwin"; deploy.targetHost = "root@[fd00::7]:2222"; };
        rosegold.tags = [ ];
      };`
  writeFileSync(file, text.replace(/^( *)nixosConfigurations =/m, `$1${clan}\n$1nixosConfigurations =`))
}

const rollout = (fleet: Fleet, ...args: string[]) =>
  fleet.operator.run(['belay', '--fleet', '/root/fleet.yaml', ...args])
const hosts = names.flatMap((name) => ['--host', name])

interface Line {
  readonly type: string
  readonly host?: string
  readonly is?: string
  readonly reason?: { readonly code: string; readonly text: string } | null
  readonly status?: { readonly is: string }
  readonly event?: { readonly kind: string; readonly host?: string; readonly stage?: string }
}
const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

const generations = (label: string, more: Readonly<Record<string, object>> = {}) =>
  Object.fromEntries(names.map((name) => [name, { generation: label, agent: 'bundle', ...more[name] }]))

t.test('rollouts on real hosts', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({ hosts: names, operator: true, agent: realAgent() })
  addClan(fleet)
  writePolicy(fleet)

  await t.test('the inventory is one list from three sources, each fact with its source', async (t) => {
    const { code, stdout } = await rollout(fleet, '--json', 'inventory')
    t.equal(code, 0)
    const found = JSON.parse(stdout) as {
      hosts: { name: string; namedBy: string[]; facts: { name: string; value: unknown; source: string }[] }[]
      remarks: string[]
    }
    const fact = (host: string, name: string) =>
      found.hosts.find((each) => each.name === host)?.facts.find((each) => each.name === name)
    t.match(fact('cinnabar', 'roles'), { value: ['controller'], source: 'fleet file' })
    t.match(fact('cinnabar', 'tags'), { value: ['vps'], source: 'clan' })
    t.match(fact('electrum', 'platform'), { value: 'nixos', source: 'flake' })
    t.match(fact('argentum', 'platform'), { value: 'darwin', source: 'clan' })
    t.match(fact('argentum', 'ssh.host'), { value: 'fd00::7', source: 'clan' })
    t.match(fact('argentum', 'ssh.port'), { value: 2222, source: 'clan' })
    t.match(found.hosts.find(({ name }) => name === 'cinnabar')?.namedBy, ['fleet file', 'clan', 'flake'])
    t.ok(found.remarks.includes('argentum is named by the clan, not by the fleet file nor the flake'))
  })

  await t.test('a canary that regresses halts it; the others are not touched', async (t) => {
    const before = new Map(
      await Promise.all(fleet.hosts.map(async (h) => [h.name, await truthOf(h)] as const))
    )
    fleet.writeGenerations(generations('bad', { cinnabar: { failingUnit: true } }))
    const { code, stdout } = await rollout(fleet, '--json', 'rollout', 'start', ...hosts, '--wait', '60s')
    t.equal(code, 1)
    const summary = linesOf(stdout).at(-1)
    t.match(summary, {
      type: 'summary',
      status: { is: 'halted', needs: 'person' },
      hosts: [
        { host: 'cinnabar', is: 'regressed', reason: { code: 'rolled-back', text: /failing\.service/ } },
        { host: 'electrum', reason: { code: 'halted' } },
        { host: 'galena', reason: { code: 'halted' } },
        { host: 'stibnite', reason: { code: 'halted' } }
      ]
    })
    for (const host of fleet.hosts) t.same(await truthOf(host), before.get(host.name), host.name)
    for (const name of ['electrum', 'galena', 'stibnite'])
      t.equal(await activations(fleet.host(name)), 0, name)
    const status = await rollout(fleet, 'rollout', 'status')
    t.equal(status.code, 1)
    t.match(status.stdout, /✖ cinnabar +rolled-back/)
    t.comment(`\n${status.stdout}`)
    t.match(await rollout(fleet, 'rollout', 'start', ...hosts), { code: 1 }, 'the same again goes on with it')
    t.equal(await activations(fleet.host('cinnabar')), 1, 'and does not try again')
  })

  await t.test('a newer one takes over only when asked to, and goes in order', async (t) => {
    fleet.writeGenerations(generations('good'))
    const refused = await rollout(fleet, 'rollout', 'start', ...hosts)
    t.match(refused, { code: 2, stderr: /rollout-active/ })
    const plain = await rollout(fleet, 'rollout', 'plan', ...hosts)
    t.equal(plain.code, 0)
    t.match(plain.stdout, /2\. peers .*\n {3}2 at a time/)
    const { code, stdout } = await rollout(fleet, '--json', 'rollout', 'start', '--supersede', ...hosts)
    t.equal(code, 0)
    const order = linesOf(stdout).flatMap(({ event }) =>
      event?.kind === 'done' ? [event.host] : event?.kind === 'stage-passed' ? [`(${event.stage})`] : []
    )
    t.equal(order[0], 'cinnabar')
    t.same(order.slice(1, 2), ['(controller)'])
    t.same(order.slice(2, 4).sort(), ['electrum', 'galena'])
    t.same(order.slice(4), ['(peers)', 'stibnite', '(primary)'])
    for (const host of fleet.hosts) t.match(await truthOf(host), { running: /-good$/, profile: /-good$/ })
  })

  await t.test(
    'killed in mid-rollout and started again, with or without its database: no host twice',
    async (t) => {
      for (const [label, lose] of [
        ['kept', false],
        ['lost', true]
      ] as const) {
        const counted = new Map(
          await Promise.all(fleet.hosts.map(async (h) => [h.name, await activations(h)] as const))
        )
        fleet.writeGenerations(
          generations(label, { electrum: { hangSeconds: 2 }, galena: { hangSeconds: 2 } })
        )
        await killedWhen(fleet, fleet.host('galena'), counted.get('galena') ?? 0)
        const state = join(fleet.operator.root, 'root/.local/state/belay')
        if (lose) rmSync(state, { recursive: true, force: true })
        const { code, stdout } = await rollout(fleet, 'rollout', 'start', ...hosts)
        t.equal(code, 0, `database ${label}`)
        t.comment(`\n${stdout}`)
        for (const host of fleet.hosts) {
          t.match(await truthOf(host), {
            running: new RegExp(`-${label}$`),
            profile: new RegExp(`-${label}$`)
          })
          t.equal(
            (await activations(host)) - (counted.get(host.name) ?? 0),
            1,
            `${host.name}: activated once`
          )
        }
      }
    }
  )

  await t.test('a reboot, a soak by the clock of the host, and a window that closes in mid-stage', (t) =>
    rebootSoakAndWindow(t, fleet)
  )
  await t.test('hosts under way are cut off: each ends well, and the report is true', (t) =>
    cutWhileUnderWay(t, fleet)
  )
})

/** Starts a rollout on the operator's machine and kills it, hard, when the host has begun its activation. */
async function killedWhen(fleet: Fleet, host: Host, before: number): Promise<void> {
  const command = `exec belay --fleet /root/fleet.yaml rollout start ${hosts.join(' ')}`
  const running = fleet.operator.run(['sh', '-c', `echo $$ > /root/rollout.pid; ${command}`])
  await waitFor(async () => (await activations(host)) > before, 'the activation').catch(async (error) => {
    throw new Error((await running).stderr, { cause: error })
  })
  await fleet.operator.must(['sh', '-c', 'kill -KILL "$(cat /root/rollout.pid)"'])
  await running
}
