import type { Test } from 'tap'
import type { CommandResult } from '../../shared/command.ts'
import { blocksOf, textOf } from './blocks.ts'

/** A machine on which blocks of a runbook are run. */
export interface Machine {
  /** Runs a script, and gives what came of it. */
  readonly run: (script: string) => Promise<CommandResult>
  readonly write?: (name: string, text: string) => void
}

/** What a step needs before, and has to show afterwards. */
export interface Step {
  readonly before?: () => unknown
  readonly after?: (t: Test, result: CommandResult) => unknown
  /** The machine goes off under the command. */
  readonly goesOff?: true
}

/** Runs every block of a runbook in its order. A block on an unknown machine, and a step that no block has, are failures. */
export async function runRunbook(
  t: Test,
  name: string,
  machines: Readonly<Record<string, Machine>>,
  steps: Readonly<Record<string, Step>>
): Promise<void> {
  const seen = new Set<string>()
  for (const block of blocksOf(textOf(name))) {
    const where = `${name}.md:${block.line}`
    if (block.is === 'untried') {
      t.comment(`not tried: ${where}: ${block.why}`)
      continue
    }
    const machine = machines[block.on]
    if (machine === undefined) throw new Error(`${where}: no machine ${block.on}`)
    if (block.is === 'file') {
      if (machine.write === undefined) throw new Error(`${where}: nothing is written on ${block.on}`)
      machine.write(block.name, `${block.text}\n`)
      continue
    }
    const step = block.step === null ? {} : steps[block.step]
    if (step === undefined) throw new Error(`${where}: no step ${block.step}`)
    if (block.step !== null && seen.has(block.step)) throw new Error(`${where}: a second step ${block.step}`)
    if (block.step !== null) seen.add(block.step)
    await step.before?.()
    const result = await machine.run(block.text)
    const said = `${result.stdout}${result.stderr}`.slice(-3000)
    if (!step.goesOff) t.equal(result.code, block.exits, `${where}: exits ${block.exits}\n${said}`)
    await step.after?.(t, result)
  }
  t.same([...seen].sort(), Object.keys(steps).sort(), 'every step has its block')
}
