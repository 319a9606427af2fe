import t from 'tap'
import type { World } from '../../../../agent/health/kinds/kind.ts'
import { userJobs } from '../../../../agent/platform/darwin/user-jobs.ts'

/** Made up after `launchctl list`: the jobs of a session, some of macOS itself. */
const list = (status: number, pid = '-') =>
  `PID\tStatus\tLabel\n-\t78\tcom.apple.something\n${pid}\t${status}\torg.nix-community.home.syncthing\n9\t0\torg.nixos.bar\n`
const look = (answers: readonly (readonly [code: number, stdout: string])[], more: object = {}) => {
  const asked: string[] = []
  const run = async (argv: readonly string[]) => {
    const [code = 127, stdout = ''] = answers[asked.length] ?? []
    asked.push(argv.join(' '))
    return { code, stdout, stderr: '', ended: 'exited' }
  }
  const measure = userJobs['user-units']?.({ user: 'alice', units: [], ignore: [], ...more })
  return { asked, finding: measure?.({ run } as unknown as World) }
}

t.test('of a session the jobs of home-manager count, and those that are named', async (t) => {
  const good = look([
    [0, '501\n'],
    [0, list(0, '7')]
  ])
  t.match(await good.finding, { result: 'pass' })
  t.same(good.asked, ['/usr/bin/id -u alice', '/bin/launchctl asuser 501 /bin/launchctl list'])
  const job = 'org.nix-community.home.syncthing'
  t.match(
    await look([
      [0, '501\n'],
      [0, list(1)]
    ]).finding,
    { result: 'fail', message: `failed: ${job}` }
  )
  t.match(
    await look(
      [
        [0, '501\n'],
        [0, list(1)]
      ],
      { ignore: [job] }
    ).finding,
    { result: 'pass' }
  )
  const named = (unit: string) =>
    look(
      [
        [0, '501\n'],
        [0, list(0, '7')]
      ],
      { units: [unit] }
    ).finding
  t.match(await named('org.nixos.bar'), { result: 'pass' })
  t.match(await named('org.nixos.gone'), { result: 'fail', message: /not loaded/ })
})

t.test('without a person or a session it cannot tell', async (t) => {
  for (const id of ['', '0\n', '89\n', 'x\n'])
    t.match(await look([[0, id]]).finding, { result: 'unknown', message: /no person called alice/ })
  t.match(
    await look([
      [0, '501\n'],
      [134, '']
    ]).finding,
    { result: 'unknown', message: /no session/ }
  )
  t.match(
    await look([
      [0, '501\n'],
      [0, 'PID\tStatus\tLabel\n']
    ]).finding,
    { result: 'unknown' }
  )
})
