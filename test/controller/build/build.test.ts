import t from 'tap'
import { buildCommand, buildHost } from '../../../controller/build/build.ts'
import { fleetHost, storePath } from '../fakes/fleet-host.ts'
import { fakeRun } from '../fakes/run.ts'

const ports = (result: Parameters<typeof fakeRun>[0]) => {
  let time = 0
  const now = () => {
    time += 1500
    return time
  }
  return { ...fakeRun(result), now, signal: new AbortController().signal, onLine: () => {} }
}
const json = (outputs: object) => JSON.stringify([{ drvPath: '/nix/store/x.drv', outputs }])

t.test('a build asks Nix for the system of the host', async (t) => {
  const fake = ports({ stdout: json({ out: storePath('b') }) })
  t.same(await buildHost(fleetHost(), fake), { host: 'cinnabar', storePath: storePath('b'), seconds: 1.5 })
  t.same(fake.calls[0]?.argv, buildCommand(fleetHost()))
  t.match(buildCommand(fleetHost()), [
    'nix',
    '--extra-experimental-features',
    'nix-command flakes',
    'build',
    '--no-link'
  ])
  t.equal(
    buildCommand(fleetHost()).at(-1),
    '/fleet#nixosConfigurations.cinnabar.config.system.build.toplevel'
  )
})

t.test('a build that fails shows the end of its log', async (t) => {
  const log = Array.from({ length: 100 }, (_, i) => `line ${i}`).join('\n')
  const failed = buildHost(fleetHost(), ports({ code: 1, stderr: log }))
  await t.rejects(failed, {
    code: 'build-failed',
    found: 1,
    message: /does not build:\nline 80\n(line \d+\n)+line 99$/
  })
  const hung = buildHost(fleetHost(), ports({ code: null, timedOut: true }))
  await t.rejects(hung, { code: 'build-failed', message: /did not end in time/ })
})

t.test('what is not one system is refused', async (t) => {
  const odd = ['', '[]', 'null', json({}), json({ out: storePath('b'), dev: storePath('c') })]
  for (const stdout of odd) {
    await t.rejects(buildHost(fleetHost(), ports({ stdout })), { code: 'build-failed' }, stdout)
  }
  const elsewhere = ports({ stdout: json({ out: '/tmp/x' }) })
  await t.rejects(buildHost(fleetHost(), elsewhere), { code: 'invalid-store-path' })
})
