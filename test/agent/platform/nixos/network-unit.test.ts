import t from 'tap'
import { networkProgram } from '../../../../agent/platform/nixos/network-unit.ts'
import { isOurs } from '../../../../agent/platform/nixos/units.ts'

const places = { stateDirectory: '/var/lib/other', socketDirectory: '/run/other' }
const argvOf = (operation: string | null) => networkProgram(places, operation).argv

t.test('the half runs without any right, in a unit that is ours', async (t) => {
  const argv = argvOf(null)
  for (const part of [
    ...['--pipe', '--collect', '--unit=belay-network.service'],
    ...['--property=DynamicUser=yes', '--property=CapabilityBoundingSet=', '--property=ProtectSystem=strict'],
    '--property=RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6'
  ])
    t.ok(argv.indexOf(part) > 0 && argv.indexOf(part) < argv.indexOf('--'), part)
  t.match(
    argv.find((part) => part.startsWith('--property=InaccessiblePaths=')),
    /-\/nix\/var .*-\/tmp -\/var\/tmp .*-\/var\/lib\/other -\/run\/other$/
  )
  t.match(argv.at(-1), /network-half\.ts$/)
  t.ok(argvOf('0190a').includes('--unit=belay-network-0190a.service'))
  t.ok(
    argvOf('0190a').includes('--property=RuntimeMaxSec=15min'),
    'nobody asks again for that of an operation'
  )
  t.notMatch(argv.join(' '), 'RuntimeMaxSec')
  for (const unit of ['belay-network.service', 'belay-network-0190a.service']) t.ok(isOurs(unit), unit)
  t.notOk(isOurs('belay-agent.service'))
})

t.test('which authorities Node trusts is passed on, and nothing else of the environment', async (t) => {
  const before = process.env.NODE_EXTRA_CA_CERTS
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_EXTRA_CA_CERTS
    else process.env.NODE_EXTRA_CA_CERTS = before
  })
  process.env.NODE_EXTRA_CA_CERTS = '/etc/ca.pem'
  const passed = () => argvOf(null).filter((part) => part.startsWith('--setenv='))
  t.same(passed().includes('--setenv=NODE_EXTRA_CA_CERTS'), true)
  process.env.NODE_EXTRA_CA_CERTS = ''
  t.notOk(passed().includes('--setenv=NODE_EXTRA_CA_CERTS'))
})
