import type { Scope } from '../agent/fakes/daemon.ts'
import type { TargetLine } from './targets.ts'

/** One API in a process of its own, in the directory that is named, until the standard input ends. */
const [of = '', dir = '', settings = '{}'] = process.argv.slice(2)
const ends: (() => unknown)[] = []
const scope: Scope = { teardown: (act) => void ends.push(act) }

/** The agent, on a host that is only told. */
async function agent(): Promise<TargetLine> {
  const { startDaemon } = await import('../agent/fakes/daemon.ts')
  const { promisedSoak } = await import('./soak.ts')
  const { socket } = await startDaemon(scope, dir, { soak: promisedSoak(`${dir}/state`) })
  const ways = ['operate', 'admin', 'propose', 'observe'].map((role) => ({ socketPath: socket(role) }))
  return { ways, known: ['x'], examples: {} }
}

const starts: Readonly<Record<string, () => Promise<TargetLine>>> = {
  agent,
  controller: async () => (await import('./controller.ts')).controller(scope, dir, JSON.parse(settings))
}
const line = await starts[of]?.()
process.stdin.resume().on('end', async () => {
  for (const end of ends.reverse()) await end()
})
console.log(JSON.stringify(line))
