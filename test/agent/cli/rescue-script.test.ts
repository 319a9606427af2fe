import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { openJournal } from '../../../agent/journal/journal.ts'
import { RESCUE_SCRIPT } from '../../../agent/platform/nixos/rescue-script.ts'
import { runCommand } from '../../../shared/command.ts'
import type { Run } from '../fakes/rescue-script.ts'
import { scriptHost, scriptOf } from '../fakes/rescue-script.ts'

const exists = async (program: string) =>
  (await runCommand(['which', program], { timeoutMs: 5000 })).code === 0

interface Made extends Run {
  /** Exit codes of the systems' scripts by action; `runs: false` leaves the running system as it is. */
  readonly boot?: number
  readonly test?: number
  readonly runs?: false
  /** No service manager: the switch is run without a unit. */
  readonly unitless?: true
}

/** A host in a directory: generation 41 is the way back, 42 runs and is chosen. */
async function host(dir: string, made: Made = {}) {
  const { at, program } = await scriptHost(dir, ['good/bin', 'bad/bin'])
  for (const name of ['good', 'bad']) {
    const moves = made.runs === false ? ':' : `ln -sfn ${at(name)} ${at('run/current-system')}`
    const body = `echo "${name} $1" >>${at('log')}\n[ "$1" = boot ] && exit ${made.boot ?? 0}\n${moves}\necho switched >&2\nexit ${made.test ?? 0}`
    await program(at(name, 'bin/switch-to-configuration'), body)
  }
  await symlink(at('bad'), at('run/current-system'))
  await program(at('tools/systemctl'), `echo "systemctl $*" >>${at('log')}`)
  const unit = `echo "unit \${1#--unit=}" >>${at('log')}\nwhile [ "$1" != -- ]; do shift; done\nshift\n"$@" >${at('run/belay-rescue.log')} 2>&1`
  await program(at('tools/systemd-run'), made.unitless ? 'exit 1' : unit)
  return scriptOf(at, { hostName: "a\nb'c", left: null }, RESCUE_SCRIPT, made)
}

for (const shell of [['sh'], ['bash', '--posix']])
  t.test(`everything in its order, and what is unfinished is told: ${shell[0]}`, async (t) => {
    const h = await host(t.testdir(), { shell })
    const { code, said } = await h.run()
    t.equal(code, 0, said)
    t.equal(await h.profile(), 'system-41-link')
    t.equal(
      await h.log(),
      `systemctl stop belay-agent.service belay-operation.service belay-guard-* nixos-rebuild-switch-to-configuration.service
good boot
unit belay-operation.service
good test
systemctl --no-block start belay-agent.service
`
    )
    t.match(await h.word('cancel'), { word: 'cancel' })
    t.match(await h.word('retry'), { word: 'retry', target: null })
    t.match(said, /\+ .*good\/bin\/switch-to-configuration boot\n/, 'shows each command')
    t.match(said, /switched\n/, 'and what the switch said')
    t.match(said, /it runs\nrescue: it is what boots, as generation 41\nrescue: done/)
    t.equal((await h.run()).code, 0, 'and again')
    t.equal(await h.profile(), 'system-41-link')
  })

t.test('an operation that has ended since stays as it is', async (t) => {
  const h = await host(t.testdir())
  const now = () => ({ at: '2026-01-01T00:00:00.000Z', bootId: 'b', monotonicMs: 1 })
  const journal = await openJournal(h.at('op/journal.jsonl'), now)
  const reason = '"event":{"type":"moved","to":"committed",'
  await journal.append({ type: 'moved', to: 'confirming', reason })
  t.match(await h.run('42'), { code: 0 })
  const names = async () => await h.operation()
  t.same(await names(), ['op.set-aside'], 'a reason that looks like an end is none')
  await rename(h.at('op.set-aside'), h.at('op'))
  for (const to of ['committing', 'committed']) await journal.append({ type: 'moved', to, reason })
  await journal.close()
  t.match(await h.run('42'), { code: 0 })
  t.same(await names(), ['op'])
  t.same(await readdir(h.at('op')), ['journal.jsonl'])
})

t.test('another generation, by number: the operation is put aside', async (t) => {
  const h = await host(t.testdir())
  t.match(await h.run('42'), { code: 0 })
  t.match(await h.log(), /bad boot\nunit belay-operation.service\nbad test\n/)
  t.equal(await h.profile(), 'system-42-link')
  t.same(await h.operation(), ['op.set-aside'])
  const unknown = await h.run('43')
  t.match(unknown, { code: 1, said: /system-41-link/ }, 'lists what there is')
})

t.test('the target is gone: the next one, and the operation is put aside', async (t) => {
  const second = (dir: string) => ({
    targets: ['gone', 'good'].map((name) => ({ number: null, storePath: join(dir, name) })),
    chosen: join(dir, 'gone')
  })
  const h = await host(t.testdir(), { options: second })
  t.match(await h.run(), { code: 0, said: /gone is not there any more/ })
  t.equal(await h.profile(), 'system-41-link')
  t.same(await h.operation(), ['op.set-aside'])
})

t.test('nothing is left to go to: says what there is, and changes nothing', async (t) => {
  const h = await host(t.testdir())
  await rm(h.at('good/bin'), { recursive: true })
  t.match(await h.run(), { code: 1, said: /boot menu/ })
  t.equal(await h.profile(), 'system-42-link')
})

t.test('the operation goes elsewhere by itself: put aside', async (t) => {
  const operation = (dir: string) => ({
    directory: join(dir, 'op'),
    setAside: join(dir, 'aside'),
    turns: false
  })
  const h = await host(t.testdir(), { options: (dir) => ({ operation: operation(dir) }) })
  t.equal((await h.run()).code, 0)
  t.ok((await readdir(h.at())).includes('aside'))
})

t.test('the link of the generation was removed: a new one', async (t) => {
  const h = await host(t.testdir())
  await rm(h.at('profiles/system-41-link'))
  t.equal((await h.run()).code, 0)
  t.equal(await h.profile(), 'system-43-link')
  t.equal(await readlink(h.at('profiles/system-43-link')), h.at('good'))
})

t.test('two links name the system: the newer', async (t) => {
  const h = await host(t.testdir())
  await symlink(h.at('good'), h.at('profiles/system-43-link'))
  t.equal((await h.run()).code, 0)
  t.equal(await h.profile(), 'system-43-link')
})

t.test('the profile named another system than ran: both as they were', async (t) => {
  const h = await host(t.testdir(), { options: (dir) => ({ chosen: join(dir, 'bad') }) })
  t.equal((await h.run()).code, 0)
  t.equal(await h.profile(), 'system-42-link')
  t.match(await h.log(), /bad boot\nunit .*\ngood test/)
})

t.test('what fails stops nothing, and is said', async (t) => {
  await t.test('the boot loader', async (t) => {
    const h = await host(t.testdir(), { boot: 1 })
    t.match(await h.run(), { code: 1, said: /it runs\n.*NOT told \(exit code 1\).*generation 41/ })
    t.match(await h.log(), /good test/)
    t.notMatch(await h.log(), /start belay-agent/)
  })
  await t.test('the switch', async (t) => {
    const h = await host(t.testdir(), { test: 1, runs: false })
    t.match(await h.run(), { code: 1, said: /does NOT run \(exit code 1\)\. Restart/ })
    t.equal(await h.profile(), 'system-41-link')
  })
  await t.test('a failed unit somewhere', async (t) => {
    const h = await host(t.testdir(), { test: 4 })
    t.match(await h.run(), { code: 0, said: /exit code 4; look at: systemctl --failed/ })
  })
  await t.test('the service manager', async (t) => {
    const h = await host(t.testdir(), { unitless: true })
    await writeFile(h.at('run/belay-rescue.log'), 'of an earlier rescue')
    t.match(await h.run(), { code: 0, said: /switched\n/ })
    t.match(await h.log(), /good test/)
  })
  await t.test('the words: the operation is put aside', async (t) => {
    const h = await host(t.testdir())
    await mkdir(h.at('op/cancel.json'))
    t.equal((await h.run()).code, 0)
    t.same(await h.operation(), ['op.set-aside'])
  })
})

t.test('only root', async (t) => {
  const h = await host(t.testdir())
  await writeFile(h.at('tools/id'), '#!/bin/sh\necho 1000\n')
  t.match(await h.run(), { code: 1, said: /be root/ })
})

t.test(
  'shellcheck and other shells',
  { skip: (await exists('shellcheck')) ? false : 'no shellcheck' },
  async (t) => {
    for (const operation of [null, { directory: '/o', setAside: '/a', turns: true }]) {
      const h = await host(t.testdir(), { options: () => ({ operation }) })
      const { code, stdout } = await runCommand(['shellcheck', '--shell=sh', h.at('rescue.sh')], {
        timeoutMs: 30_000
      })
      t.equal(code, 0, stdout)
    }
  }
)
