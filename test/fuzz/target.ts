import { startDaemon } from '../agent/fakes/daemon.ts'
import { promisedSoak } from './soak.ts'

/** The agent's API in a process of its own, in the directory that is named, until the standard input ends. */
const [dir = ''] = process.argv.slice(2)
const ends: (() => unknown)[] = []
const scope = { teardown: (act: () => unknown) => void ends.push(act) }
const d = await startDaemon(scope, dir, { soak: promisedSoak(`${dir}/state`) })
process.stdin.resume().on('end', async () => {
  for (const end of ends.reverse()) await end()
})
console.log(d.socket('operate'))
