import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { OperationEvent } from '../../shared/api/schemas.ts'
import { startCommand } from '../../shared/command.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Host } from '../fleet/host.ts'
import { cpuMs, pathIn } from './outside.ts'

/** One activation through Belay, from its acceptance to its end. */
export interface BelayRun {
  readonly ms: number
  /** CPU time of the whole host, the typed command and the clean-up behind the end included. */
  readonly cpuMs: number
  /** How long it stayed in each phase. */
  readonly phases: Readonly<Record<string, number>>
}

/** One switch by hand. */
export interface HandRun {
  readonly ms: number
  readonly cpuMs: number
  readonly profileMs: number
  readonly switchMs: number
}

export interface Pair {
  readonly belay: BelayRun
  readonly hand: HandRun
}

/** How often nobody confirms. */
const LAPSES = 3

/** What was measured of activations. */
export interface Activations {
  readonly pairs: readonly Pair[]
  /** Milliseconds from the end of a confirm window to the baseline running again. */
  readonly lapses: readonly number[]
}

const profile = '/nix/var/nix/profiles/system'
/** In the host's own control groups, so that its CPU time is counted. */
const scope = ['systemd-run', '--scope', '--quiet', '--collect', '--']

/**
 * Two generations that differ in one service, to and fro: both ways of activating take either direction equally often,
 * in changing order. The first pair warms up and does not count. Then some that nobody confirms.
 */
export async function activationPairs(fleet: Fleet, host: Host, count: number): Promise<Activations> {
  const paths: string[] = []
  for (const generation of ['one', 'other']) {
    const services = { web: `exec sleep infinity # ${generation}` }
    fleet.writeGenerations({ [host.name]: { generation, agent: 'bundle', services } })
    paths.push(await fleet.push(host.name))
  }
  await fleet.operator.powerCut()
  const [one = '', other = ''] = paths
  await byHand(host, one)
  const pairs: Pair[] = []
  for (let i = 0; i <= count; i++) {
    if (i % 2 === 0) {
      const belay = await throughBelay(host, other)
      pairs.push({ belay, hand: await byHand(host, one) })
    } else {
      const hand = await byHand(host, other)
      pairs.push({ belay: await throughBelay(host, one), hand })
    }
  }
  const lapses: number[] = []
  for (let i = 0; i < LAPSES; i++) lapses.push(await unconfirmed(host, [one, other]))
  return { pairs: pairs.slice(1), lapses }
}

/** Activates the other generation with nobody to confirm it; gives the milliseconds from the deadline to the end. */
async function unconfirmed(host: Host, paths: readonly string[]): Promise<number> {
  const running = (await host.must(['readlink', '-f', '/run/current-system'])).trim()
  const candidate = paths.find((path) => path !== running) ?? ''
  const window = ['--window', '5', '--again', '--over-drift']
  const { code, stdout } = await host.run(['belay-agent', '--json', 'activate', candidate, ...window])
  const { operation } = JSON.parse(stdout.trim().split('\n')[0] ?? '{}') as { operation: string }
  if (code !== 1) throw new Error(`what nobody confirmed ended with ${code}: ${stdout.slice(-500)}`)
  return timesOf(host, operation).phases['rolling-back'] ?? Number.NaN
}

/** Every run finds as many generations: each is work for the boot loader's script. */
const prune = (host: Host) => host.must(['nix-env', '--profile', profile, '--delete-generations', '+2'])

async function byHand(host: Host, toplevel: string): Promise<HandRun> {
  await prune(host)
  const script = ['bash', '/opt/belay/checkout/test/bench/by-hand.sh', toplevel]
  const said = await host.must([...scope, ...script], { timeoutMs: 120_000 })
  const [began = 0, chosen = 0, ended = 0, cpuBefore = 0, cpuAfter = 0] = said.trim().split(' ').map(Number)
  return {
    ms: (ended - began) / 1000,
    cpuMs: (cpuAfter - cpuBefore) / 1000,
    profileMs: (chosen - began) / 1000,
    switchMs: (ended - chosen) / 1000
  }
}

async function throughBelay(host: Host, toplevel: string): Promise<BelayRun> {
  await prune(host)
  // Every call opens a connection of its own, as a confirmation must.
  const client = agentClient(pathIn(host, '/run/belay/operate.sock'))
  let id = ''
  let confirming: Promise<unknown> | undefined
  const confirm = async () => {
    for (;;) {
      const { confirmation, terminal } = await client.operation(id)
      if (confirmation?.nonce) return client.confirm(id, confirmation.nonce)
      if (terminal) throw new Error(`operation ${id} ended unconfirmed`)
      await delay(2)
    }
  }
  const before = cpuMs(host)
  const activate = await startCommand(
    host.inside([...scope, 'belay-agent', '--json', 'activate', toplevel, '--over-drift'], 120_000),
    {
      onStdoutLine: (line) => {
        const event = JSON.parse(line) as OperationEvent
        if (event.type !== 'operation') return
        id = event.operation
        if (event.phase === 'confirming') confirming ??= confirm()
      }
    }
  )
  const { code, stderr } = await activate.exited
  await confirming
  if (code !== 0) throw new Error(`belay-agent activate exited with ${code}: ${stderr}`)
  const runner = pathIn(host, '/sys/fs/cgroup/system.slice/belay-operation.service')
  await host.waitFor(() => !existsSync(runner), 'the runner gone')
  return { cpuMs: cpuMs(host) - before, ...timesOf(host, id) }
}

interface Line {
  readonly monotonicMs: number
  readonly event: { readonly type: string; readonly to?: string }
}

/** What the journal of an operation says of its time. */
function timesOf(host: Host, id: string): Pick<BelayRun, 'ms' | 'phases'> {
  const text = readFileSync(pathIn(host, `/var/lib/belay/operations/${id}/journal.jsonl`), 'utf8')
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  const moves = lines.filter(({ event }) => event.type === 'accepted' || event.type === 'moved')
  const phases: Record<string, number> = {}
  for (const [i, { event, monotonicMs }] of moves.entries()) {
    const next = moves[i + 1]
    if (next) phases[event.to ?? 'accepted'] = next.monotonicMs - monotonicMs
  }
  return { ms: (moves.at(-1)?.monotonicMs ?? 0) - (moves[0]?.monotonicMs ?? 0), phases }
}
