import { chmodSync, chownSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadSettings, parseSettings } from '../../../agent/config/settings.ts'

t.test('an empty file is all defaults', async (t) => {
  t.match(parseSettings('{}', 'f'), {
    hostName: hostname(),
    stateDirectory: '/var/lib/belay',
    confirm: { windowSeconds: 120 },
    limits: { activationSeconds: 600, agentSeconds: 30 },
    groups: { observe: null, propose: null, operate: null, admin: null },
    approval: {
      required: 'never',
      approvers: 1,
      signersFile: '/etc/belay/allowed_signers',
      revokedKeysFile: null,
      maxAgeSeconds: 604_800
    }
  })
  t.equal(parseSettings('{"hostName": "cinnabar"}', 'f').hostName, 'cinnabar')
})

t.test('what is wrong is named: key, value, and what was wanted', async (t) => {
  const cases: [string, string, unknown, RegExp][] = [
    ['{"confirm": {"windowSeconds": -5}}', 'confirm.windowSeconds', -5, />= 5/],
    ['{"confirm": {"windowSeconds": "5"}}', 'confirm.windowSeconds', '5', /integer/],
    ['{"confirm": {"windwSeconds": 5}}', 'confirm.windwSeconds', 5, /no such key/],
    ['{"logLevel": "loud"}', 'logLevel', 'loud', /allowed|enum|equal/],
    ['{"stateDirectory": "relative"}', 'stateDirectory', 'relative', /pattern/],
    ['{"groups": {"operate": 1}}', 'groups.operate', 1, /string/],
    [
      '{"windows": [{"days": ["mon"], "from": "01:00", "to": "02:00", "timeZone": "Europe/Nowhere"}]}',
      'windows.0.timeZone',
      'Europe/Nowhere',
      /IANA/
    ],
    ['{"preflight": {"users": "ignore"}}', 'preflight.users', 'ignore', /allowed|enum|equal/]
  ]
  for (const [text, at, found, wanted] of cases) {
    t.throws(() => parseSettings(text, 'f'), { code: 'invalid-config', at, found, wanted }, text)
  }
  for (const text of ['{', '[]', 'null', '1'])
    t.throws(() => parseSettings(text, 'f'), { code: 'invalid-config' }, text)
})

t.test('a file that is named must be there', async (t) => {
  const file = join(t.testdir({ 'a.json': '{"hostName": "a"}' }), 'a.json')
  t.equal((await loadSettings(file)).hostName, 'a')
  await t.rejects(loadSettings(`${file}.none`), { code: 'invalid-config', at: `${file}.none` })
})

t.test(
  'what root reads nobody else can have written; a file may be looked at all the same',
  { skip: process.getuid?.() === 0 ? false : 'needs root' },
  async (t) => {
    const dir = t.testdir({
      in: { 'a.json': '{"hostName": "a"}' },
      'link.json': t.fixture('symlink', 'in/a.json')
    })
    const file = join(dir, 'in/a.json')
    const unsafe = { code: 'invalid-config', at: file, message: /writable by others/ }
    for (const [what, mode, good] of [
      [file, 0o666, 0o644],
      [file, 0o660, 0o644],
      [join(dir, 'in'), 0o777, 0o755]
    ] as const) {
      chmodSync(what, mode)
      await t.rejects(loadSettings(file), unsafe, `${what} ${mode.toString(8)}`)
      await t.rejects(loadSettings(join(dir, 'link.json')), { code: 'invalid-config' }, 'through a link')
      t.equal((await loadSettings(file, true)).hostName, 'a')
      chmodSync(what, good)
    }
    chownSync(file, 65_534, 65_534)
    await t.rejects(loadSettings(file), { code: 'invalid-config', message: /belongs to user 65534/ })
    chownSync(file, 0, 0)
    t.equal((await loadSettings(join(dir, 'link.json'))).hostName, 'a')
  }
)
