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
    groups: { observe: null, operate: null, admin: null },
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
