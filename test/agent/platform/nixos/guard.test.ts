import { chmod, mkdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from '../../../../shared/command.ts'

const guard = new URL('../../../../agent/platform/nixos/guard.sh', import.meta.url).pathname

/** An operation directory with a baseline whose switch leaves a trace, and a profile that has moved on. */
async function armed(dir: string, options: { journal: string; status?: number; seconds?: number }) {
  const tools = join(dir, 'tools')
  const baseline = join(dir, 'baseline-system')
  const profile = join(dir, 'profile')
  await mkdir(join(baseline, 'bin'), { recursive: true })
  await mkdir(tools, { recursive: true })
  const script = async (path: string, body: string) => {
    await writeFile(path, `#!/bin/sh\n${body}\n`)
    await chmod(path, 0o755)
  }
  await script(join(tools, 'systemctl'), `echo "$@" >>${dir}/stopped`)
  await script(
    join(baseline, 'bin/switch-to-configuration'),
    `echo "$1" >>${dir}/switched; exit ${options.status ?? 0}`
  )
  await symlink('system-42-link', profile)
  await symlink(baseline, join(dir, 'system-41-link'))
  await writeFile(join(dir, 'window'), `1 ${options.seconds ?? 0}\n`)
  await writeFile(join(dir, 'baseline'), `${baseline}\n`)
  await writeFile(join(dir, 'journal.jsonl'), options.journal)
  const op = join(dir, 'op')
  await mkdir(op)
  for (const name of ['window', 'baseline', 'journal.jsonl']) await symlink(join(dir, name), join(op, name))
  await writeFile(join(op, 'profile'), `${profile} system-41-link\n`)
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  return {
    run: () => runCommand([guard, op, tools], { timeoutMs: 20_000 }),
    switched: () => read(join(dir, 'switched')),
    stopped: () => read(join(dir, 'stopped')),
    outcome: () => read(join(op, 'guard-outcome')),
    profile: () => readlink(profile)
  }
}

const confirming = '{"seq":1,"event":{"type":"moved","to":"confirming","reason":"x"},"hash":"y"}\n'
const committed = '{"seq":2,"event":{"type":"moved","to":"committed","reason":"x"},"hash":"y"}\n'

t.test(
  'an operation that has not ended: runner stopped, profile put back, baseline switched to',
  async (t) => {
    const g = await armed(t.testdir(), { journal: confirming })
    t.equal((await g.run()).code, 0)
    t.equal(await g.profile(), 'system-41-link')
    t.equal(await g.switched(), 'test\nboot\n')
    t.match(await g.stopped(), /belay-operation\.service nixos-rebuild-switch-to-configuration\.service/)
    t.equal(await g.outcome(), '0\n')
  }
)

t.test('the generation was removed meanwhile: the profile names the system itself', async (t) => {
  const dir = t.testdir()
  const g = await armed(dir, { journal: confirming })
  await rm(join(dir, 'system-41-link'))
  t.equal((await g.run()).code, 0)
  t.equal(await g.profile(), join(dir, 'baseline-system'))
  t.equal(await g.switched(), 'test\nboot\n')
})

t.test('of a home: its own units are stopped, and its own way back is gone', async (t) => {
  for (const status of [0, 3]) {
    const dir = join(t.testdir(), `${status}`)
    await mkdir(dir)
    const g = await armed(dir, { journal: confirming })
    await writeFile(join(dir, 'op/units'), 'belay-operation-home-alice.service belay-home-alice.service\n')
    await writeFile(join(dir, 'op/back.sh'), `echo back >>${dir}/went; exit ${status}\n`)
    t.equal((await g.run()).code, status)
    t.equal(await readFile(join(dir, 'went'), 'utf8'), 'back\n')
    t.equal(await g.outcome(), `${status}\n`)
    t.match(await g.stopped(), /^stop belay-operation-home-alice\.service belay-home-alice\.service\n/)
    t.notMatch(await g.stopped(), /restart/, 'the agent is none of a home')
    t.equal(await g.switched(), '', 'the system stays')
    t.equal(await g.profile(), 'system-42-link')
  }
})

t.test('an operation that has ended is left alone', async (t) => {
  const g = await armed(t.testdir(), { journal: confirming + committed })
  t.equal((await g.run()).code, 0)
  t.equal(await g.profile(), 'system-42-link')
  t.equal(await g.switched(), '')
})

t.test('a torn end is no end', async (t) => {
  const g = await armed(t.testdir(), { journal: confirming + committed.slice(0, -4) })
  await g.run()
  t.equal(await g.switched(), 'test\nboot\n')
})

t.test('a baseline that cannot be switched to is reported', async (t) => {
  const bad = await armed(t.testdir(), { journal: confirming, status: 2 })
  t.equal((await bad.run()).code, 1)
  t.equal(await bad.outcome(), '2\n')
})

t.test('a failed unit somewhere (4) does not make the rollback a failure', async (t) => {
  const g = await armed(t.testdir(), { journal: confirming, status: 4 })
  t.equal((await g.run()).code, 0)
  t.equal(await g.outcome(), '4\n')
})

/** The same for a trial boot. This machine has no booted system, so its own name stands for what booted. */
async function onTrial(dir: string, options: { journal: string; boot?: string; candidate?: string }) {
  const g = await armed(dir, { journal: options.journal })
  const { boot = 'another boot', candidate = '/run/booted-system' } = options
  await writeFile(join(dir, 'op/trial'), `${boot.replaceAll(' ', '-')} ${candidate}\n`)
  await writeFile(join(dir, 'tools/sleep'), '#!/bin/sh\n')
  await chmod(join(dir, 'tools/sleep'), 0o755)
  return g
}

t.test('a trial boot that has not ended: the host is rebooted, in the end by force', async (t) => {
  const g = await onTrial(t.testdir(), { journal: confirming })
  await g.run()
  t.match(await g.stopped(), /reboot\nreboot --force\nreboot --force --force\n$/)
  t.equal(await g.profile(), 'system-41-link')
  t.equal(await g.switched(), '', 'the boot default has not moved')
})

t.test('a trial boot in the middle of its commit: the boot default is put back first', async (t) => {
  const g = await onTrial(t.testdir(), { journal: confirming.replace('confirming', 'committing') })
  await g.run()
  t.equal(await g.switched(), 'boot\n')
  t.match(await g.stopped(), /reboot\n/)
})

t.test('where there is no trial boot there is nothing to guard', async (t) => {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const cases = { 'not rebooted yet': { boot }, 'another system': { candidate: '/nix/store/x' } }
  for (const [name, options] of Object.entries(cases)) {
    const g = await onTrial(join(t.testdir(), name.replaceAll(' ', '-')), { journal: confirming, ...options })
    t.equal((await g.run()).code, 0, name)
    t.equal(await g.stopped(), '')
  }
})
