import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pushCommand, pushPath, sshForNix } from '../../../controller/build/push.ts'
import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { fleetHost, storePath } from '../fakes/fleet-host.ts'
import { fakeRun } from '../fakes/run.ts'

const ports = (result: Parameters<typeof fakeRun>[0] = {}) => ({
  ...fakeRun(result),
  signal: new AbortController().signal,
  onLine: () => {},
  leaks: async () => {}
})

t.test('a push copies the closure over ssh-ng with the options of the connection', async (t) => {
  const fake = ports()
  const host = fleetHost('cinnabar', '{ connection: { ssh: { host: 10.0.0.1, port: 2222 } } }')
  await pushPath(host, storePath('b'), fake)
  t.match(fake.calls[0], {
    argv: pushCommand(host, storePath('b')),
    options: {
      env: {
        NIX_SSHOPTS:
          '-p 2222 -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=4'
      }
    }
  })
  t.same(pushCommand(host, 'P').slice(3), ['copy', '--to', 'ssh-ng://root@10.0.0.1', 'P'])
  const open = fleetHost('a', '{ push: { checkSignatures: false, substituteOnHost: true } }')
  t.same(pushCommand(open, 'P').slice(4, 6), ['--no-check-sigs', '--substitute-on-destination'])
})

t.test('no connection and a refused path are different errors', async (t) => {
  const push = (result: object) => pushPath(fleetHost(), storePath('b'), ports(result))
  await t.rejects(push({ code: 1, stderr: "error: cannot connect to 'root@cinnabar'" }), {
    code: 'host-unreachable'
  })
  await t.rejects(push({ code: 255, stderr: 'killed' }), { code: 'host-unreachable' })
  const dead = ['Timeout, server cinnabar not responding.', 'Connection to cinnabar closed by remote host.']
  for (const said of [...dead, 'client_loop: send disconnect: Broken pipe'])
    await t.rejects(push({ code: 1, stderr: `${said}\nerror: writing to file: Broken pipe` }), {
      code: 'host-unreachable'
    })
  await t.rejects(push({ code: 1, stderr: 'error: path lacks a valid signature' }), {
    code: 'push-failed',
    message: /checkSignatures: false/
  })
  await t.rejects(push({ code: 1, stderr: 'No space left on device' }), { code: 'push-failed', found: 1 })
})

t.test('another ssh command, or words with spaces, go through a script that leaves nothing', async (t) => {
  const options = JSON.stringify({ command: ['printf', '<%s>'], options: ['-o', "ProxyCommand=it's $HOME"] })
  const host = fleetHost('cinnabar', `{ connection: { ssh: ${options} } }`)
  let script = ''
  {
    await using ssh = await sshForNix(host.ssh)
    const [directory = ''] = ssh.env.PATH?.split(':') ?? []
    script = join(directory, 'ssh')
    t.match(readFileSync(script, 'utf8'), /^#!\/bin\/sh/)
    const result = await runCommand([script, 'root@cinnabar', 'nix daemon'], { timeoutMs: 5000 })
    const alive = ['-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4']
    const words = [
      '-o',
      "ProxyCommand=it's $HOME",
      '-o',
      'BatchMode=yes',
      '-o',
      'ConnectTimeout=10',
      ...alive
    ]
    t.equal(result.stdout, [...words, 'root@cinnabar', 'nix daemon'].map((word) => `<${word}>`).join(''))
  }
  t.notOk(existsSync(script))
})

t.test('a closure with a secret in it goes nowhere', async (t) => {
  const fake = ports()
  const leaks = async () => {
    throw new BelayError('leak-found', 'there are secrets')
  }
  await t.rejects(pushPath(fleetHost(), storePath('b'), { ...fake, leaks }), { code: 'leak-found' })
  t.same(fake.calls, [])
})
