import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CommandResult } from '../../shared/command.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { Fleet } from './fleet.ts'
import type { AgentParts } from './generation.ts'
import type { Host } from './host.ts'

const checkout = resolve(import.meta.dirname, '../..')

let made: AgentParts | undefined

/** The agent as it is packaged: bundled afresh from the checkout, once a test, with its own unit file. */
export function realAgent(): AgentParts {
  made ??= bundleAgent()
  return made
}

function bundleAgent(): AgentParts {
  // Of its own: other tests bundle at the same time.
  const dist = mkdtempSync(join(tmpdir(), 'belay-dist-'))
  process.once('exit', () => rmSync(dist, { recursive: true, force: true }))
  execFileSync(process.execPath, ['scripts/build.ts', dist], { cwd: checkout })
  return {
    bundle: join(dist, 'agent'),
    unit: join(checkout, 'systemd/belay-agent.service'),
    trialUnit: join(checkout, 'systemd/belay-trial.service')
  }
}

/** Writes the operator's fleet file: every host by ssh as root, unsigned paths allowed. */
export function writeFleetFile(fleet: Fleet, windowSeconds: number): void {
  const hosts = fleet.hosts.map(
    (host) =>
      `  ${host.name}:\n    platform: nixos\n    connection: { ssh: { host: ${host.name}, user: root } }\n`
  )
  const text = `version: 1
flake: path:/root/fleet
defaults:
  confirm: { windowSeconds: ${windowSeconds} }
  push: { checkSignatures: false }
hosts:
${hosts.join('')}`
  writeFileSync(join(fleet.operator.root, 'root/fleet.yaml'), text)
}

/** Runs `belay` on the operator's machine. */
export function belay(fleet: Fleet, ...args: string[]): Promise<CommandResult> {
  return fleet.operator.run(['belay', '--fleet', '/root/fleet.yaml', ...args])
}

/** What a host is, read from the host and not from the agent. */
export async function truthOf(host: Host) {
  const read = async (...argv: string[]) => (await host.run(argv)).stdout.trim()
  const runner = () => read('systemctl', 'is-active', 'belay-operation.service')
  const hasEnded = async () => (await journalOf(host)).phases.some((phase) => isTerminal(phase as Phase))
  // The end is written before it is tidied up.
  await host.waitFor(async () => (await runner()) !== 'active' || !(await hasEnded()), 'the runner to go')
  const entry = (await read('sed', '-n', 's/^default //p', '/boot/loader/loader.conf')) || 'none'
  return {
    running: await read('readlink', '-f', '/run/current-system'),
    profile: await read('readlink', '-f', '/nix/var/nix/profiles/system'),
    bootDefault:
      (await read(
        'sed',
        '-n',
        's|^options init=\\([^ ]*\\)/init.*|\\1|p',
        `/boot/loader/entries/${entry}`
      )) || 'none',
    failed: (await read('systemctl', 'list-units', '--state=failed', '--plain', '--no-legend'))
      .split('\n')
      .filter(Boolean),
    guards: (await read('systemctl', 'list-units', 'belay-guard-*', '--plain', '--no-legend'))
      .split('\n')
      .filter(Boolean),
    runner: await runner()
  }
}

/** Phases in the journal of the newest operation, read from its file. */
export async function journalOf(
  host: Host
): Promise<{ readonly id: string; readonly phases: readonly string[] }> {
  const script =
    'cd /var/lib/belay/operations && id=$(ls | tail -n 1) && echo "$id" && cat "$id/journal.jsonl"'
  const [id = '', ...lines] = (await host.must(['sh', '-c', script])).trim().split('\n')
  const events = lines.map((line) => (JSON.parse(line) as { event: { type: string; to?: string } }).event)
  return { id, phases: events.filter((e) => e.type === 'moved').map((e) => e.to ?? '') }
}

/** How often a host activated a generation, from its own journals. */
export async function activations(host: Host): Promise<number> {
  const count = `cat /var/lib/belay/operations/*/journal.jsonl 2>/dev/null | grep -c '"to":"activating"' || true`
  return Number((await host.must(['sh', '-c', count])).trim())
}
