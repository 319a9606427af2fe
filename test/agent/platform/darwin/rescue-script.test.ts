import { mkdir, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { RESCUE_SCRIPT } from '../../../../agent/platform/darwin/rescue-script.ts'
import { runCommand } from '../../../../shared/command.ts'
import type { Run } from '../../fakes/rescue-script.ts'
import { scriptHost, scriptOf } from '../../fakes/rescue-script.ts'

interface Made extends Run {
  /** The exit code of the way back's script, which leaves the running system as it is then. */
  readonly fails?: number
  /** Seconds that it takes. */
  readonly sleeps?: number
}

/** A Mac in a directory: generation 41 is the way back, 42 runs and is chosen. */
async function host(dir: string, made: Made = {}) {
  const { at, program } = await scriptHost(dir, ['good', 'bad'])
  for (const name of ['good', 'bad']) {
    const end =
      made.fails === undefined ? `ln -sfn ${at(name)} ${at('run/current-system')}` : `exit ${made.fails}`
    const from = `echo "${name} from $(basename "$(readlink ${at('run/current-system')})")" >>${at('log')}`
    await program(at(name, 'activate'), `${from}\necho activated\nsleep ${made.sleeps ?? 0}\n${end}`)
  }
  // After a reboot, say: the profile's, though the candidate's jobs are there.
  await symlink(at('good'), at('run/current-system'))
  // Of jobs only the agent and a guard are loaded, until they are unloaded.
  const launchctl = `case $1 in
list) printf 'PID\\tStatus\\tLabel\\n-\\t0\\torg.belay.guard.x\\n7\\t0\\tcom.apple.x\\n' ;;
print) case $2 in */org.nixos.belay-agent|*/org.belay.guard.x) [ ! -e ${at('gone')}/\${2#system/} ] ;; *) exit 113 ;; esac ;;
*) echo "launchctl $*" >>${at('log')}; [ "$1" = bootout ] && mkdir -p ${at('gone')}/\${2#system/} ;;
esac`
  await program(at('tools/launchctl'), launchctl)
  return scriptOf(at, { hostName: 'stibnite', left: at('bad') }, RESCUE_SCRIPT, made)
}

for (const shell of [['sh'], ['bash', '--posix']])
  t.test(`everything in its order, and what is unfinished is told: ${shell[0]}`, async (t) => {
    const h = await host(t.testdir(), { shell })
    const { code, said } = await h.run()
    t.equal(code, 0, said)
    t.equal(await h.profile(), 'system-41-link')
    t.equal(
      await h.log(),
      `launchctl bootout system/org.nixos.belay-agent
launchctl bootout system/org.belay.guard.x
good from bad
launchctl bootstrap system /Library/LaunchDaemons/org.nixos.belay-agent.plist
`,
      'the script sees the system whose jobs are there'
    )
    t.match(await h.word('cancel'), { word: 'cancel' })
    t.match(await h.word('retry'), { word: 'retry', target: null })
    t.match(
      said,
      /activated\nrescue: it runs\nrescue: it is what a boot brings, as generation 41\nrescue: done/
    )
    t.equal((await h.run()).code, 0, 'and again')
    t.equal(await h.profile(), 'system-41-link')
  })

t.test('another generation, by number: the operation is put aside', async (t) => {
  const h = await host(t.testdir())
  t.match(await h.run('42'), { code: 0 })
  t.match(await h.log(), /bad from good\n/, 'its own jobs are not removed first')
  t.equal(await h.profile(), 'system-42-link')
  t.same(await h.operation(), ['op.set-aside'])
  t.match(await h.run('43'), { code: 1, said: /system-41-link/ }, 'lists what there is')
})

t.test('the target is gone: the next one, and the operation is put aside', async (t) => {
  const second = (dir: string) => ({
    targets: ['gone-too', 'good'].map((name) => ({ number: null, storePath: join(dir, name) })),
    chosen: join(dir, 'gone-too')
  })
  const h = await host(t.testdir(), { options: second })
  t.match(await h.run(), { code: 0, said: /gone-too is not there any more/ })
  t.equal(await h.profile(), 'system-41-link')
  t.same(await h.operation(), ['op.set-aside'])
})

t.test('nothing is left to go to: says what there is, and changes nothing', async (t) => {
  const h = await host(t.testdir())
  await rm(h.at('good/activate'))
  t.match(await h.run(), { code: 1, said: /no such system/ })
  t.equal(await h.profile(), 'system-42-link')
})

t.test('the link of the generation was removed: a new one', async (t) => {
  const h = await host(t.testdir())
  await rm(h.at('profiles/system-41-link'))
  t.equal((await h.run()).code, 0)
  t.equal(await h.profile(), 'system-43-link')
  t.equal(await readlink(h.at('profiles/system-43-link')), h.at('good'))
})

t.test('what fails stops nothing, and is said', async (t) => {
  await t.test('the script breaks off', async (t) => {
    const h = await host(t.testdir(), { fails: 1 })
    t.match(await h.run(), { code: 1, said: /does NOT run \(exit code 1\)/ })
    t.equal(await h.profile(), 'system-41-link', 'a boot brings it')
    t.match(await h.log(), /bootstrap/, 'the agent is there')
  })
  await t.test('the script hangs', async (t) => {
    const h = await host(t.testdir(), { sleeps: 25, options: () => ({ limitSeconds: 1 }) })
    t.match(await h.run(), { code: 1, said: /does NOT run/ })
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
  await writeFile(h.at('tools/id'), '#!/bin/sh\necho 501\n')
  t.match(await h.run(), { code: 1, said: /be root/ })
})

const hasShellcheck = (await runCommand(['which', 'shellcheck'], { timeoutMs: 5000 })).code === 0
t.test('shellcheck', { skip: hasShellcheck ? false : 'no shellcheck' }, async (t) => {
  for (const operation of [null, { directory: '/o', setAside: '/a', turns: true }]) {
    const h = await host(t.testdir(), { options: () => ({ operation }) })
    const { code, stdout } = await runCommand(['shellcheck', '--shell=sh', h.at('rescue.sh')], {
      timeoutMs: 30_000
    })
    t.equal(code, 0, stdout)
  }
})
