import fc from 'fast-check'
import t from 'tap'
import { parseSeen, parseUser } from '../../../../agent/platform/home/seen.ts'

const path = (letter: string) => `/nix/store/${letter.repeat(32)}-home-manager-generation`
const profile = '/home/alice/.local/state/nix/profiles/home-manager'
const look = [
  'uid 1000',
  'home /home/alice',
  `profile ${profile}`,
  'link home-manager-41-link',
  `generation 1700000000 home-manager-42-link ${path('b')}`,
  `generation 1600000000 home-manager-41-link ${path('a')}`,
  'root /home/alice/.local/state/home-manager/gcroots/current-home',
  `current ${path('a')}`,
  'manager',
  'unit failed web.service',
  'unit active default.target',
  'unit activating sync.timer',
  'unit reloading-not-known x.service',
  'end of look'
]
const text = (lines: readonly string[]) => `${lines.join('\n')}\n`
const without = (key: string) => look.filter((line) => !line.startsWith(key))

t.test('a look', async (t) => {
  t.same(parseSeen(text(look)), {
    uid: 1000,
    home: '/home/alice',
    profile,
    number: 41,
    storePath: path('a'),
    generations: [
      { number: 41, storePath: path('a'), createdAt: '2020-09-13T12:26:40.000Z' },
      { number: 42, storePath: path('b'), createdAt: '2023-11-14T22:13:20.000Z' }
    ],
    root: '/home/alice/.local/state/home-manager/gcroots/current-home',
    running: path('a'),
    manager: true,
    failedUnits: ['web.service'],
    runningUnits: ['default.target', 'sync.timer']
  })
  const none = { manager: false, failedUnits: [], runningUnits: [] }
  const managerIn = (told: string) => {
    const { manager, failedUnits, runningUnits } = parseSeen(told) ?? {}
    return { manager, failedUnits, runningUnits }
  }
  t.same(managerIn(text(without('manager'))), none)
  const ending = (unit: string) => text([...look.slice(0, -1), `unit ${unit}`, 'end of look'])
  t.same(managerIn(ending('inactive exit.target')), none, 'it ends with the last session')
  t.same(managerIn(ending('active shutdown.target')), none, 'what it stops may fail')
  t.match(parseSeen(text(without('profile'))), { profile: null })
  t.match(parseSeen(text(without('link'))), { number: null, storePath: null })
  t.match(parseSeen(text(without('current'))), { running: null })
})

t.test('a look that broke off, or has no home, is none', async (t) => {
  for (const key of ['end', 'uid', 'home']) t.equal(parseSeen(text(without(key))), null, key)
  t.equal(parseSeen(''), null)
  t.equal(parseSeen(text(['uid root', ...without('uid')])), null)
})

t.test('what no command line should carry is left out, or makes the look none', async (t) => {
  const withHome = (home: string) => parseSeen(text([`home ${home}`, ...without('home')]))
  for (const home of [
    '/home/a b',
    '/home/$(reboot)',
    "/home/'",
    '/home/%n',
    'home',
    '-rf',
    '/home/\u001b[2J'
  ])
    t.equal(withHome(home), null, JSON.stringify(home))
  const current = (storePath: string) =>
    parseSeen(text([...without('current').slice(0, -1), `current ${storePath}`, 'end of look']))
  for (const storePath of ['/root/evil', '../../root', `${path('a')}/../../root`, '/nix/store'])
    t.match(current(storePath), { running: null }, storePath)
})

/** Whatever the user writes where the script would. */
t.test('anything at all gives null, or only what is safe to use', async () => {
  const words = fc.constantFrom(
    'uid',
    'home',
    'profile',
    'link',
    'generation',
    'root',
    'current',
    'unit',
    'manager'
  )
  const values = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary-ascii' }),
    fc.constantFrom(path('a'), '/root', '1000', '$(id)', '-x', 'failed $(id)', 'active web.service')
  )
  const line = fc.oneof(
    fc.string(),
    fc.tuple(words, values).map(([word, value]) => `${word} ${value}`)
  )
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), (lines, known) => {
      const seen = parseSeen(
        text([...(known ? ['uid 1000', 'home /home/alice'] : []), ...lines, 'end of look'])
      )
      if (seen === null) return true
      const paths = [seen.home, seen.profile, seen.root].filter((each) => each !== null)
      const stored = [seen.running, seen.storePath, ...seen.generations.map(({ storePath }) => storePath)]
      return (
        paths.every((each) => /^\/[A-Za-z0-9@_+,./-]*$/.test(each)) &&
        stored.every((each) => each === null || /^\/nix\/store\/[^/]+$/.test(each)) &&
        [...seen.failedUnits, ...seen.runningUnits].every((unit) => !/[\s$%"']/.test(unit)) &&
        seen.generations.every(({ number }) => Number.isSafeInteger(number) && number > 0)
      )
    })
  )
})

t.test('names of users', async (t) => {
  for (const user of ['alice', 'a.b-c_d', 'Alice2', '_x']) t.equal(parseUser(user), user)
  for (const user of ['', '-rf', '../root', 'a b', 'a/b', 'a$b', 'ä', '1a', 'x'.repeat(32)])
    t.throws(() => parseUser(user), { code: 'home-unknown' }, user)
})
