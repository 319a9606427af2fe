import { realpath } from 'node:fs/promises'
import { agentClient } from '../../shared/agent-client/client.ts'
import { mustRun } from '../../shared/command.ts'
import { humanPlan } from '../../shared/plan/human.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Host } from '../fleet/host.ts'
import type { Section } from './report.ts'
import { median } from './report.ts'

/** What plans of one generation took, in milliseconds, and `nix store diff-closures` of the same closures. */
export interface Plans {
  readonly paths: number
  /** Asked of the agent and rendered, in a program that runs already. */
  readonly asked: readonly number[]
  /** `belay-agent preview`, with Node's own start. */
  readonly typed: readonly number[]
  readonly nix: readonly number[]
}

/** Store paths of each closure, and how many of them differ. */
const PATHS = 2000
const CHANGED = 1000

/** Makes the host run a generation of so many paths, and has it plan one of which half differ. */
export async function plans(fleet: Fleet, host: Host, count: number): Promise<Plans> {
  const generation = (version: string) => ({
    generation: `bulk-${version}`,
    agent: 'bundle',
    bulk: { paths: PATHS, changed: CHANGED, version }
  })
  if (!fleet.operator.on) await fleet.operator.boot()
  fleet.writeGenerations({ [host.name]: generation('1.1') })
  const from = await fleet.push(host.name)
  await host.must(['belay-agent', 'activate', from, '--auto-confirm'])
  fleet.writeGenerations({ [host.name]: generation('1.2') })
  const to = await fleet.push(host.name)
  await fleet.operator.powerCut()
  const argv = ['/opt/belay/node', '/opt/belay/checkout/test/bench/plans.ts', String(count), to]
  return JSON.parse(await host.must(argv, { timeoutMs: 10 * 60_000 })) as Plans
}

const limit = { timeoutMs: 60_000 }

async function took(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await act()
  return performance.now() - begun
}

/** In turns, so that what else the machine does meets all of them; the first round is not counted. */
async function measure(count: number, to: string): Promise<Plans> {
  const from = await realpath('/run/current-system')
  const client = agentClient('/run/belay/observe.sock', limit.timeoutMs)
  const ask = async () => {
    const plan = await client.preview({ storePath: to })
    humanPlan(plan, { paint: (_, text) => text, columns: 100, all: true })
    return plan
  }
  const { closure } = await ask()
  const found = {
    paths: closure.after.paths,
    asked: [] as number[],
    typed: [] as number[],
    nix: [] as number[]
  }
  for (let i = 0; i <= count; i++) {
    const ms = {
      asked: await took(ask),
      typed: await took(() => mustRun(['belay-agent', 'preview', '--all', to], limit)),
      nix: await took(() => mustRun(['nix', 'store', 'diff-closures', from, to], limit))
    }
    if (i > 0) for (const name of ['asked', 'typed', 'nix'] as const) found[name].push(ms[name])
  }
  return found
}

/** Runs inside a host: plans.ts COUNT STORE-PATH. */
if (import.meta.main) {
  const [count, to = ''] = process.argv.slice(2)
  console.log(JSON.stringify(await measure(Number(count), to)))
}

/** The rows of the plans. */
export function planSection({
  planned,
  memoryAfterPlans
}: {
  readonly planned: Plans
  readonly memoryAfterPlans: { readonly rss: number; readonly anonymous: number }
}): Section {
  const [asked, typed, beside] = [planned.asked, planned.typed, planned.nix].map(median) as [
    number,
    number,
    number
  ]
  const aim = { text: '< 2 × its time', met: asked < 2 * beside }
  return {
    title: `A plan of ${planned.paths} paths, median of ${planned.asked.length}`,
    beside: 'diff-closures',
    rows: [
      { name: 'asked of the agent, and rendered', unit: 'ms', belay: asked, beside, aim },
      { name: "typed, with Node's start", unit: 'ms', belay: typed, beside },
      { name: 'RSS of the agent afterwards', unit: 'MiB', belay: memoryAfterPlans.rss, beside: null },
      { name: 'anonymous afterwards', unit: 'MiB', belay: memoryAfterPlans.anonymous, beside: null }
    ]
  }
}
