import { chmodSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { completion } from '../../../../controller/cli/commands/completion.ts'
import type { Actions } from '../../../../controller/cli/program.ts'
import { buildProgram } from '../../../../controller/cli/program.ts'
import { runCommand } from '../../../../shared/command.ts'

const main = resolve(import.meta.dirname, '../../../../controller/main.ts')
const fleet = `version: 1
rollout: { stages: [{ name: first, select: { hosts: [cinnabar] } }, { name: others, select: {} }] }
hosts: { cinnabar: {}, electrum: {} }
`

const there = async (shell: string) =>
  (await runCommand([shell, '-c', 'true'], { timeoutMs: 20_000 }).catch(() => null))?.code === 0

/** A directory with \`belay\`, a fleet file, another fleet file and the script of a shell. */
function place(t: Test, shell: 'bash' | 'zsh' | 'fish') {
  const directory = t.testdir({ 'fleet.yaml': fleet, 'other.yaml': 'version: 1\nhosts: { galena: {} }\n' })
  const program = join(directory, 'belay')
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`)
  chmodSync(program, 0o755)
  const script = join(directory, 'script')
  writeFileSync(script, completion(buildProgram({} as Actions, '0'), shell))
  const run = async (...argv: string[]) => {
    const env = { PATH: `${directory}:${process.env.PATH}`, HOME: directory, TERM: 'dumb', LC_ALL: 'C.UTF-8' }
    const within = ['env', '-C', directory, ...argv]
    return await runCommand(within, { timeoutMs: 60_000, env })
  }
  return { directory, script, run }
}

t.test('bash', async (t) => {
  const { script, run } = place(t, 'bash')
  const complete = async (...words: string[]) => {
    const quoted = words.map((word) => `'${word}'`).join(' ')
    const text = `. ${script}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _belay; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { code, stdout, stderr } = await run('bash', '-c', text)
    t.equal(code, 0, stderr)
    return stdout.trim().split('\n')
  }
  t.ok((await complete('belay', '')).includes('rollout'))
  t.same(await complete('belay', 'rollout', 'skip', 'cin'), ['cinnabar'])
  t.same(await complete('belay', 'rollout', 'approve', 'fi'), ['first'])
  t.same(await complete('belay', 'deploy', '--host', ''), ['cinnabar', 'electrum'])
  t.same(await complete('belay', '--fleet', 'other.yaml', 'verdict', 'g'), ['galena'])
  t.same(await complete('belay', 'status', '--ma'), ['--max-parallel'])
})

t.test('fish', { skip: !(await there('fish')) && 'fish is not installed' }, async (t) => {
  const { script, run } = place(t, 'fish')
  const complete = async (line: string) => {
    const { code, stdout, stderr } = await run(
      'fish',
      '--no-config',
      '-c',
      `source ${script}; complete -C '${line}'`
    )
    t.equal(code, 0, stderr)
    return stdout
      .trim()
      .split('\n')
      .map((each) => each.split('\t')[0])
  }
  t.ok((await complete('belay roll')).includes('rollout'))
  t.same(await complete('belay rollout skip cin'), ['cinnabar'])
  t.same(await complete('belay --fleet other.yaml deploy --host g'), ['galena'])
})

/** A terminal in which zsh runs: what a person types goes in, and it is waited for what the line becomes. */
const typeInto = (script: string, typed: string, wanted: string) => `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1="> "; autoload -Uz compinit && compinit -D -u && source ${script} && echo LOADED''AT'
zpty -r -m shell out '*LOADEDAT*' || exit 1
zpty -w -n shell '${typed}'$'\\t'
zpty -r -m shell out '*${wanted}*' && print -r -- "$out"
zpty -d shell
`

t.test('zsh', { skip: !(await there('zsh')) && 'zsh is not installed' }, async (t) => {
  const { script, run } = place(t, 'zsh')
  const type = async (typed: string, wanted: string) => {
    const { code, stdout, stderr } = await run('zsh', '-f', '-c', typeInto(script, typed, wanted))
    t.equal(code, 0, `${typed}: ${stderr}`)
    t.ok(stdout.includes(wanted), stdout)
  }
  await type('belay comple', 'belay completion')
  await type('belay rollout skip cin', 'belay rollout skip cinnabar')
  await type('belay --fleet other.yaml deploy --host g', 'deploy --host galena')
})
