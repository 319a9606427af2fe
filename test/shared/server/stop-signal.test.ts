import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { runCommand } from '../../../shared/command.ts'

const shared = (name: string) => pathToFileURL(resolve(import.meta.dirname, '../../../shared', name)).href

/** Is told to stop twice, while a program that it has started runs. */
const program = `
import { runQuietly } from '${shared('command.ts')}'
import { stopSignal } from '${shared('server/stop-signal.ts')}'
const stopped = stopSignal()
void runQuietly(['sleep', '60'], 60_000)
setTimeout(() => {
  process.kill(process.pid, 'SIGTERM')
  stopped.then((signal) => {
    process.kill(process.pid, 'SIGTERM')
    setTimeout(() => {
      console.log('ended in order after', signal)
      process.exit(0)
    }, 50)
  })
}, 300)
`

t.test('a daemon that is told to stop ends in order, also while it runs a program', async (t) => {
  const argv = [process.execPath, '--input-type=module', '--eval', program]
  t.match(await runCommand(argv, { timeoutMs: 60_000 }), {
    code: 0,
    stdout: /^ended in order after SIGTERM$/m
  })
})
