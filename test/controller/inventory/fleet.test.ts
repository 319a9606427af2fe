import t from 'tap'
import { selectHosts } from '../../../controller/inventory/fleet.ts'
import { parseFleet } from '../../../controller/inventory/load.ts'

const fleet = parseFleet(
  `version: 1
flake: ./systems
defaults:
  confirm: { windowSeconds: 60 }
  push: { checkSignatures: false }
  connection:
    socket: /run/other.sock
    ssh: { user: deploy, port: 2222, identityFile: keys/id, options: ["-4"] }
hosts:
  cinnabar:
    confirm: { windowSeconds: 30 }
    connection: { ssh: { host: 10.0.0.1, port: 22, identityFile: ~/.ssh/id } }
  mine.example:
    attribute: packages.x86_64-linux.system
    push: { substituteOnHost: true }
    roles: [controller]
  www.example: {}
`,
  '/fleet/fleet.yaml'
)

t.test('defaults hold until a host says otherwise, field by field', (t) => {
  const [cinnabar, mine, www] = fleet.hosts
  t.match(cinnabar, {
    windowSeconds: 30,
    socket: '/run/other.sock',
    ssh: { host: '10.0.0.1', user: 'deploy', port: 22, identityFile: '~/.ssh/id', options: ['-4'] },
    push: { checkSignatures: false, substituteOnHost: false }
  })
  t.match(mine, {
    windowSeconds: 60,
    installable: '/fleet/systems#packages.x86_64-linux.system',
    ssh: { host: 'mine.example', port: 2222, identityFile: '/fleet/keys/id' },
    push: { checkSignatures: false, substituteOnHost: true },
    roles: ['controller']
  })
  t.match(www, {
    installable: '/fleet/systems#nixosConfigurations."www.example".config.system.build.toplevel'
  })
  t.end()
})

t.test('a flake elsewhere stays as it is written', (t) => {
  for (const flake of ['github:owner/repo', 'git+ssh://git@host/repo', 'nixpkgs']) {
    const [host] = parseFleet(`version: 1\nflake: ${flake}\nhosts: {a: {}}`, '/fleet/fleet.yaml').hosts
    t.match(host?.installable, `${flake}#`)
  }
  t.end()
})

t.test('hosts are selected by name, in the order of the file', (t) => {
  const names = (wanted: string[]) => selectHosts(fleet, wanted).map((host) => host.name)
  t.same(names([]), ['cinnabar', 'mine.example', 'www.example'])
  t.same(names(['www.example', 'cinnabar']), ['cinnabar', 'www.example'])
  t.throws(() => names(['cinabar']), {
    code: 'invalid-request',
    message: 'no host "cinabar" in /fleet/fleet.yaml. Did you mean cinnabar?',
    found: 'cinabar'
  })
  t.throws(() => names(['zzz']), { message: /It has cinnabar, mine\.example/ })
  t.end()
})
