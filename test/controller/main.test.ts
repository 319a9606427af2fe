import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runCommand } from '../../shared/command.ts'

const main = fileURLToPath(new URL('../../controller/main.ts', import.meta.url))
const belay = (args: string[], env: Record<string, string> = {}) =>
  runCommand([process.execPath, main, ...args], { timeoutMs: 30_000, env })

t.test('belay is a program: help, exit codes, no colours in a pipe', async (t) => {
  const help = await belay(['--help'])
  t.match(help, { code: 0, stdout: /^Usage: belay/ })
  t.notMatch(help.stdout, '\u001b')
  const missing = await belay(['status'], { BELAY_FLEET: '/nowhere/fleet.yaml' })
  t.match(missing, { code: 2, stdout: '', stderr: /^belay: \/nowhere\/fleet\.yaml: there is no such file/ })
})

t.test('an unreachable host is reported, with what ssh said', async (t) => {
  const fakeSsh = fileURLToPath(new URL('./fakes/ssh.ts', import.meta.url))
  const command = JSON.stringify({ command: [process.execPath, fakeSsh], options: ['fail'] })
  const file = `${t.testdir({ 'fleet.yaml': `version: 1\nhosts: { cinnabar: { connection: { ssh: ${command} } } }\n` })}/fleet.yaml`
  const { code, stdout } = await belay(['status', '--json', '--fleet', file])
  t.equal(code, 1)
  t.match(JSON.parse(stdout), {
    hosts: [{ reachable: false, error: { code: 'host-unreachable', message: /Connection refused/ } }]
  })
})
