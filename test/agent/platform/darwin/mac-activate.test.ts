import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseOutcome } from '../../../../agent/platform/darwin/activation.ts'
import { runCommand } from '../../../../shared/command.ts'

const script = new URL('../../../../agent/platform/darwin/mac-activate.sh', import.meta.url).pathname

/** Runs the script over a system whose `activate` is the body; `launchctl` leaves a trace, and ends the script's group. */
async function activated(dir: string, body: string, limit = 30) {
  const system = join(dir, 'system')
  const tools = join(dir, 'tools')
  for (const each of [system, tools, join(dir, 'op')]) await mkdir(each, { recursive: true })
  const program = async (path: string, text: string) => {
    await writeFile(path, `#!/bin/sh\n${text}\n`)
    await chmod(path, 0o755)
  }
  await program(join(system, 'activate'), body)
  await program(join(tools, 'launchctl'), `echo "$@" >>${dir}/launchctl; kill -KILL 0`)
  const argv = [
    'setsid',
    '--wait',
    '/bin/sh',
    script,
    join(dir, 'op'),
    system,
    '-',
    String(limit),
    'org.belay.x'
  ]
  await runCommand(argv, { timeoutMs: 60_000, env: { PATH: `${tools}:${process.env.PATH}` } })
  const read = (name: string) => readFile(join(dir, name), 'utf8').catch(() => '')
  return {
    outcome: parseOutcome(await read('op/outcome')),
    output: await read('op/output'),
    asked: await read('launchctl')
  }
}

t.test('an end with success, and one without', async (t) => {
  t.match(await activated(t.testdir(), 'echo hello; echo there >&2'), {
    outcome: { result: 'success', code: 'exit', status: '0' },
    output: 'hello\nthere\n',
    asked: ''
  })
})

t.test('an end with an error, and by a signal', async (t) => {
  t.match(await activated(t.testdir(), 'exit 11'), { outcome: { result: 'exit-code', status: '11' } })
  t.match(await activated(join(t.testdirName, 'killed'), 'kill -KILL $$'), { outcome: { status: '137' } })
})

t.test('one that hangs is ended with all that it started', async (t) => {
  const dir = t.testdir()
  const { outcome, asked } = await activated(dir, `(sleep 300; echo late >${dir}/late) & sleep 300`, 1)
  t.match(outcome, { result: 'timeout', code: 'killed', status: 'KILL' })
  t.equal(asked, 'bootout system/org.belay.x\n')
})

t.test('of a flood the end is kept', async (t) => {
  const dir = t.testdir()
  await activated(dir, 'head -c 20000000 /dev/zero | tr "\\\\0" x; sleep 3; echo the end')
  t.ok((await stat(join(dir, 'op/output'))).size < 4_200_000)
  t.match(await readFile(join(dir, 'op/output'), 'utf8'), /^\[output dropped\]\nthe end\n$/)
})
