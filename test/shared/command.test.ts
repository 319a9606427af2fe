import { readlinkSync } from 'node:fs'
import t from 'tap'
import { mustRun, runBounded, runCommand, startCommand } from '../../shared/command.ts'

const timeoutMs = 10_000

t.test('arguments reach the program as they are, without a shell', async (t) => {
  const result = await runCommand(['printf', '%s', '$HOME; `id` "x"'], { timeoutMs })
  t.match(result, { code: 0, stdout: '$HOME; `id` "x"', timedOut: false })
})

t.test('a failure is a result for runCommand and an error for mustRun', async (t) => {
  const argv = ['sh', '-c', 'echo broken >&2; exit 3']
  t.match(await runCommand(argv, { timeoutMs }), { code: 3, stderr: 'broken' })
  await t.rejects(mustRun(argv, { timeoutMs }), { code: 'command-failed', found: 3, message: /broken/ })
})

t.test('a command that does not end is ended', async (t) => {
  await t.rejects(mustRun(['tail', '-f', '/dev/null'], { timeoutMs: 50 }), { code: 'command-timeout' })
})

t.test('a program that is not there fails and does not throw', async (t) => {
  const result = await runCommand(['/nonexistent/program'], { timeoutMs })
  t.equal(result.code, null)
  t.match(result.stderr, /ENOENT/)
})

t.test('lines of stderr are told while the command runs', async (t) => {
  const lines: string[] = []
  await mustRun(['sh', '-c', 'echo a >&2; echo b >&2'], { timeoutMs, onStderrLine: (l) => lines.push(l) })
  t.same(lines, ['a', 'b'])
})

t.test('a started command runs until it is ended, and tells how it ended', async (t) => {
  const lines: string[] = []
  const ready = Promise.withResolvers<void>()
  const onStderrLine = (line: string) => {
    lines.push(line)
    ready.resolve()
  }
  const running = await startCommand(['sh', '-c', 'echo up >&2; exec tail -f /dev/null'], { onStderrLine })
  await ready.promise
  await running.kill()
  t.same(lines, ['up'])
  t.same(await running.exited, { code: null, stderr: 'up' })
  const failed = await startCommand(['sh', '-c', 'echo no >&2; exit 255'])
  t.same(await failed.exited, { code: 255, stderr: 'no' })
  const missing = await startCommand(['/nowhere/program'])
  t.match(await missing.exited, { code: null, stderr: /ENOENT/ })
})

t.test('a program that asks a person has our terminal, and its answer is still ours', async (t) => {
  const captured = await runCommand(['sh', '-c', 'readlink /proc/$$/fd/2'], { timeoutMs })
  const ours = await runCommand(['sh', '-c', 'readlink /proc/$$/fd/2'], { timeoutMs, onTerminal: true })
  t.not(ours.stdout, captured.stdout)
  t.equal(ours.stdout, readlinkSync('/proc/self/fd/2'))
  t.equal(ours.stderr, '')
})

t.test('a bounded command', async (t) => {
  const run = (argv: readonly string[], ms = 10_000, maxOutput = 1000) =>
    runBounded(argv, { signal: AbortSignal.timeout(ms), maxOutput, env: { PATH: process.env.PATH ?? '' } })
  t.match(await run(['sh', '-c', 'echo out; echo err >&2; exit 3']), {
    ...{ code: 3, stdout: 'out\n', stderr: 'err\n', ended: 'exited' }
  })
  t.match(await run(['/no/such/program']), { code: null, ended: 'unstartable' })
  t.match(await run(['sh', '-c', 'kill -9 $$']), { code: null, ended: 'signal' })
  t.match(await run(['yes']), { code: null, ended: 'flood' })
  t.match(await runBounded(['true'], { signal: AbortSignal.abort(), maxOutput: 1 }), { ended: 'aborted' })
  const begun = performance.now()
  // Its child would hold the pipes open, and ignores the polite signal.
  t.match(await run(['sh', '-c', 'trap "" TERM; sleep 61 & sleep 61'], 100), { code: null, ended: 'aborted' })
  t.match(
    await run(['sh', '-c', 'sleep 61 & echo done']),
    { code: 0, stdout: 'done\n' },
    'what it leaves ends with it'
  )
  t.match(
    await run(['sh', '-c', 'setsid sleep 3 & echo done']),
    { code: 0 },
    'nobody waits for what got away'
  )
  t.ok(performance.now() - begun < 20_000)
})
