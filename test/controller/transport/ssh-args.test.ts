import t from 'tap'
import { destination, sshOptions, storeUrl, tunnelCommand } from '../../../controller/transport/ssh-args.ts'
import { fleetHost } from '../fakes/fleet-host.ts'

const { ssh } = fleetHost(
  'cinnabar',
  '{ connection: { ssh: { host: 10.0.0.1, user: deploy, port: 2222, identityFile: /key, options: [-o, ControlMaster=auto], command: [ip, netns, exec, x, ssh] } } }'
)

t.test('a tunnel is never a shared connection, whatever the options of the operator say', (t) => {
  const argv = tunnelCommand(ssh, '/tmp/l', '/run/belay/operate.sock')
  t.same(argv.slice(0, 7), ['ip', 'netns', 'exec', 'x', 'ssh', '-N', '-T'])
  t.ok(argv.indexOf('ControlMaster=no') < argv.indexOf('ControlMaster=auto'), 'ssh takes the first')
  t.ok(argv.includes('ControlPath=none'))
  t.ok(argv.includes('ExitOnForwardFailure=yes'))
  t.ok(argv.indexOf('ServerAliveInterval=5') < argv.indexOf('ServerAliveInterval=15'))
  t.equal(argv[argv.indexOf('-L') + 1], '/tmp/l:/run/belay/operate.sock')
  t.equal(argv.at(-1), 'deploy@10.0.0.1')
  t.end()
})

t.test('options for any connection', (t) => {
  const alive = ['-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4']
  const fixed = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', ...alive]
  t.same(sshOptions(ssh), ['-p', '2222', '-i', '/key', '-o', 'ControlMaster=auto', ...fixed])
  t.same(sshOptions(fleetHost().ssh), fixed)
  t.equal(destination(ssh), 'deploy@10.0.0.1')
  t.equal(storeUrl(ssh), 'ssh-ng://deploy@10.0.0.1')
  t.equal(storeUrl({ ...ssh, host: '::1' }), 'ssh-ng://deploy@[::1]')
  t.end()
})
