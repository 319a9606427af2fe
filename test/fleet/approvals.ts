import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Statement } from '../../shared/approval.ts'
import { approvalTime, formatApproval, formatStatement } from '../../shared/approval.ts'
import type { KeyRing } from '../agent/security/keys.ts'
import { keyRing } from '../agent/security/keys.ts'
import { realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'

/** Cinnabar has its signers in a file that the tests change; electrum in its generation, as NixOS has it. */
export const SIGNERS = '/var/lib/signers'
const people = ['alice', 'bob', 'mallory'] as const

interface Answer {
  readonly exit: number | null
  readonly error?: { readonly code: string; readonly message: string }
  readonly phase?: string
  readonly message?: string
}

/** What `belay-agent --json` says last; of an operation's events the last of its journal. */
export async function agent(host: Host, args: readonly string[], input = ''): Promise<Answer> {
  const { code, stdout } = await host.run(['belay-agent', '--json', ...args], { input })
  const said = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line || '{}') as Omit<Answer, 'exit'> & { readonly type?: string })
  return { exit: code, ...said.findLast(({ type }) => type !== 'output') }
}

export const activate = (host: Host, path: string, ...more: string[]) =>
  agent(host, ['activate', path, '--auto-confirm', ...more])
export const handIn = (host: Host, document: string) => agent(host, ['approve', '-'], document)
export const refused = (code: string, message?: RegExp) => ({
  exit: 1,
  error: { code, ...(message ? { message } : {}) }
})
export const listed = async (host: Host) =>
  (await agent(host, ['approvals'])) as unknown as { approvals: { id: string; state: string }[] }

/** Settings of a host that activates nothing but signed intents. */
export const intents = { approval: { required: 'always', revision: 'required', signersFile: SIGNERS } }

/** Lets the agent, and the runners that it starts, read these settings, until the next boot. */
export async function configure(host: Host, settings: object): Promise<void> {
  writeFileSync(join(host.root, 'root/agent.json'), JSON.stringify(settings), { mode: 0o644 })
  const dropIn = '/run/systemd/system/belay-agent.service.d'
  const text = '[Service]\\nEnvironment=BELAY_CONFIG=/root/agent.json\\n'
  const write = `mkdir -p ${dropIn}; printf '${text}' > ${dropIn}/c.conf`
  await host.must(['sh', '-c', `${write}; systemctl daemon-reload; systemctl restart belay-agent`])
}

/** What runs, what is chosen, what boots. */
export async function systems(host: Host) {
  const { running, profile, bootDefault } = await truthOf(host)
  return { running, profile, bootDefault }
}

/** Makes documents that people of the ring sign, of a host's plan as it is now. */
export function signing(ring: KeyRing) {
  let made = 0
  return async (host: Host, by: string, storePath: string, change: Partial<Statement> = {}) => {
    made += 1
    const now = Date.now()
    const text = formatStatement({
      ...{ host: host.name, profile: 'system', storePath, revision: null },
      ...{ mode: 'switch' as const, confirm: 'health' as const },
      planHash: change.planHash ?? (await planOf(host, storePath)),
      issuedAt: approvalTime(now - 1000),
      expiresAt: approvalTime(now + 600_000),
      id: made.toString(16).padStart(32, '0'),
      ...change
    })
    return formatApproval(text, ring.sign(by, text))
  }
}

/** Hosts that activate nothing without a signature, and people with keys. */
export async function approvalWorld(t: Test, names: readonly ('cinnabar' | 'electrum' | 'galena')[]) {
  const ring = keyRing(t.testdir({}))
  for (const name of people) ring.make(name)
  const signers = (...allowed: string[]) =>
    allowed
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
    }),
    galena: (generation: string, more = {}) => ({
      ...{ generation, agent: 'bundle', ...more },
      agentConfig: { approval: { required: 'irreversible' } },
      files: { 'etc/belay/allowed_signers': signers('alice', 'bob') }
    })
  }
  const fleet = await startFleet({
    hosts: names,
    operator: true,
    agent: realAgent(),
    generations: Object.fromEntries(names.map((name) => [name, generations[name]('baseline')]))
  })
  const allow = (...allowed: string[]) =>
    writeFileSync(join(fleet.host('cinnabar').root, SIGNERS), signers(...allowed), { mode: 0o644 })
  allow('alice', 'bob')
  const next = async (host: Host, label: string, more = {}) => {
    fleet.writeGenerations({ [host.name]: generations[host.name as keyof typeof generations](label, more) })
    return fleet.push(host.name)
  }
  return { fleet, ring, allow, sign: signing(ring), next }
}

/** The hash of the plan as the host makes it now. */
export async function planOf(host: Host, storePath: string): Promise<string> {
  return ((await agent(host, ['preview', storePath])) as unknown as { hash: string }).hash
}
