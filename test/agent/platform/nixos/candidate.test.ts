import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { assertCandidate } from '../../../../agent/platform/nixos/candidate.ts'

const agent = { systemd: { system: { 'belay-agent.service': '[Service]\n' } } }
const toplevel = (more: object = {}) => ({
  'nixos-version': '26.05',
  system: 'x86_64-linux',
  bin: { 'switch-to-configuration': '' },
  etc: { hostname: 'cinnabar\n', ...agent },
  ...more
})

const running = t.testdir({ system: 'x86_64-linux' })
const wanted = { hostName: 'cinnabar', running }

t.test('a system for this host passes, and so does one that names no host', async (t) => {
  await assertCandidate(t.testdir(toplevel()), wanted)
  await assertCandidate(t.testdir(toplevel({ etc: agent })), wanted)
})

t.test('of a file that leads out of the store nothing is told', async (t) => {
  const secret = join(t.testdirName, '..', 'secret-of-root')
  writeFileSync(secret, 'hunter2\n')
  t.teardown(() => rmSync(secret))
  for (const file of ['system', 'etc/hostname']) {
    const store = t.testdir({ system: toplevel() })
    rmSync(join(store, 'system', file))
    symlinkSync(secret, join(store, 'system', file))
    const error = await assertCandidate(join(store, 'system'), wanted).catch((caught: unknown) => caught)
    t.match(error, { code: 'not-a-system', wanted: file })
    t.notMatch(JSON.stringify(error) + String(error), 'hunter2')
  }
})

t.test(
  'what is not there, no system, or for another host or platform is refused with its own code',
  async (t) => {
    await t.rejects(assertCandidate(join(t.testdir(), 'none'), wanted), {
      code: 'path-not-valid',
      wanted: /store/
    })
    await t.rejects(assertCandidate(t.testdir({ bin: { hello: '' } }), wanted), {
      code: 'not-a-system',
      wanted: 'nixos-version'
    })
    await t.rejects(assertCandidate(t.testdir(toplevel({ bin: {} })), wanted), {
      code: 'not-a-system',
      wanted: 'bin/switch-to-configuration'
    })
    await t.rejects(assertCandidate(t.testdir(toplevel({ system: 'aarch64-linux' })), wanted), {
      code: 'wrong-platform',
      found: 'aarch64-linux',
      wanted: 'x86_64-linux'
    })
    await t.rejects(assertCandidate(t.testdir(toplevel({ etc: { hostname: 'cinnabar' } })), wanted), {
      code: 'agent-missing',
      wanted: 'etc/systemd/system/belay-agent.service'
    })
    await t.rejects(
      assertCandidate(t.testdir(toplevel({ etc: { hostname: 'electrum', ...agent } })), wanted),
      {
        code: 'wrong-host',
        found: 'electrum',
        wanted: 'cinnabar'
      }
    )
  }
)

t.test('a masked agent is none, and the names of what activates it are taken', async (t) => {
  const withUnits = (units: object) => t.testdir(toplevel({ etc: { systemd: { system: units } } }))
  const masked = withUnits({ 'belay-agent.service': t.fixture('symlink', '/dev/null') })
  await t.rejects(assertCandidate(masked, wanted), { code: 'agent-missing' })
  for (const name of [
    'belay-operation.service',
    'belay-guard-x.service',
    'nixos-rebuild-switch-to-configuration.service.d'
  ]) {
    const taken = withUnits({ ...agent.systemd.system, [name]: '[Service]\n' })
    await t.rejects(assertCandidate(taken, wanted), { code: 'reserved-unit', found: new RegExp(name) })
  }
})
