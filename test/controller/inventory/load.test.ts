import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { loadFleet, parseFleet } from '../../../controller/inventory/load.ts'
import { codeOf } from '../../../shared/errors.ts'
import { defaultPolicy } from '../../../shared/verdict/policy.ts'

const refused = (t: Test, text: string, message: RegExp, detail: object = {}) =>
  t.throws(() => parseFleet(text, '/f.yaml'), { code: 'invalid-fleet-file', message, ...detail }, text)

t.test('a file of a few lines is enough; defaults fill the rest', (t) => {
  const [host] = parseFleet('version: 1\nhosts:\n  cinnabar: {}\n', '/fleet/fleet.yaml').hosts
  t.same(host, {
    name: 'cinnabar',
    platform: 'nixos',
    installable: '/fleet#nixosConfigurations.cinnabar.config.system.build.toplevel',
    ssh: { host: 'cinnabar', user: 'root', port: null, identityFile: null, options: [], command: ['ssh'] },
    socket: '/run/belay/operate.sock',
    windowSeconds: 120,
    push: { checkSignatures: true, substituteOnHost: false },
    homes: [],
    roles: [],
    tags: [],
    soak: defaultPolicy,
    metrics: null,
    presence: 'always',
    physicalAccess: false,
    windows: [],
    hold: null,
    ownSoak: null,
    recipients: []
  })
  t.end()
})

t.test('a typo is named with its line and what was probably meant', (t) => {
  const text = 'version: 1\nhosts:\n  cinnabar:\n    tags: [a]\n    conection: {}\n'
  refused(
    t,
    text,
    /^\/f\.yaml:5: hosts\.cinnabar\.conection: unknown field "conection"\. Did you mean connection\?$/,
    {
      at: '/f.yaml:5',
      found: 'conection'
    }
  )
  refused(
    t,
    'version: 1\nhosts: {a: {platform: nixs}}',
    /:2: .*found "nixs", wanted nixos or darwin\. Did you mean nixos\?/
  )
  refused(t, 'version: 1\nhosts: {a: {zzz: 1}}', /unknown field "zzz", wanted one of platform, confirm/)
  t.end()
})

t.test('a wrong type or value names what was found and what was wanted', (t) => {
  const ssh = (entry: string) => `version: 1\nhosts:\n  a:\n    connection:\n      ssh:\n        ${entry}\n`
  refused(
    t,
    ssh('port: "22"'),
    /:6: hosts\.a\.connection\.ssh\.port: found "22", wanted a whole number from 1 to 65535/
  )
  refused(
    t,
    ssh('host: -oProxyCommand=reboot'),
    /:6: .*found "-oProxyCommand=reboot", wanted a text matching/
  )
  refused(t, ssh('user: "-l root"'), /:6: .*user: found/)
  refused(t, 'version: 1\nhosts:\n  a:\n    tags: [x, x]\n', /:4: .*wanted a list without duplicates/)
  refused(t, 'version: 1\nhosts:\n  a:\n', /:3: hosts\.a: found null, wanted a map/)
  refused(t, 'version: 2\nhosts: {a: {}}\n', /:1: version: found 2, wanted 1/)
  refused(t, 'version: 1\nhosts: {"Big Host": {}}\n', /"Big Host" is no name/)
  refused(t, 'version: 1\nhosts: {}\n', /hosts: found {}, wanted a map with at least one entry/)
  refused(t, 'version: 1\nflake: "--impure"\nhosts: {a: {}}\n', /:2: flake: found "--impure"/)
  t.end()
})

t.test('what is missing, doubled, broken or too large', (t) => {
  refused(t, 'hosts:\n  a: {}\n', /:1: version: version is missing/, { wanted: '1' })
  refused(t, '', /found null, wanted a map/)
  refused(t, 'version: 1\nhosts:\n  a: {}\n  a: {}\n', /:4: a stands here for the second time/, {
    found: 'a'
  })
  refused(t, 'version: 1\nhosts: {a: [\n', /^\/f\.yaml:/)
  refused(t, `#${'x'.repeat(9_000_000)}`, /larger than/)
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]\n`
  refused(t, bomb, /alias/i)
  t.end()
})

t.test('what has the right shape and makes no sense is refused with its line', (t) => {
  const zone = '{from: "22:00", to: "06:00", timeZone: Europe/Berln}'
  refused(
    t,
    `version: 1\nhosts:\n  a:\n    windows:\n      - ${zone}\n`,
    /:5: hosts\.a\.windows\.0\.timeZone: found "Europe\/Berln"/
  )
  refused(t, `version: 1\ndefaults: { windows: [${zone}] }\nhosts: {a: {}}\n`, /:2: defaults\.windows/)
  refused(t, 'version: 1\n', /hosts is missing, and no sources name any/)
  t.equal(parseFleet('version: 1\nsources: [clan]\n', '/f.yaml').hosts.length, 0)
  const policy = (text: string) => `version: 1\nhosts: {a: {}}\nrollout:\n  ${text}\n`
  const stage = '{name: x, select: {}}'
  refused(t, policy(`stages: [${stage}, ${stage}]`), /:4: rollout\.stages\.1\.name: .*no other stage/)
  refused(t, policy('order: [{role: a, after: [b]}]'), /:4: rollout\.order\.0: .*either role and before/)
  refused(t, policy('order: [{role: a}]'), /either role and before/)
  refused(t, policy('budgets: [{maxUnavailable: 1}]'), /either role or tag/)
  refused(t, policy('budgets: [{role: a, tag: b, maxUnavailable: 1}]'), /either role or tag/)
  refused(t, policy('stages: [{name: "-x", select: {}}]'), /rollout\.stages\.0\.name: found "-x"/)
  refused(t, policy('stages: [{name: x, select: {}, soak: 1y}]'), /soak: found "1y"/)
  refused(t, 'version: 1\nhosts: {a: {hold: {reason: "a\\nb"}}}\n', /hold\.reason: found/)
  t.end()
})

t.test('every mistake is told, in the order of the file', (t) => {
  const text = 'version: 3\nhosts:\n  a: {prot: 1}\n  b: {tags: 5}\n'
  refused(t, text, /:1: version.*\n.*:3: hosts\.a\.prot.*\n.*:4: hosts\.b\.tags/)
  t.end()
})

t.test('a file that is not there says how to name another', async (t) => {
  const error = await loadFleet('/nowhere/fleet.yaml').catch((error: Error) => error)
  t.equal(codeOf(error), 'invalid-fleet-file')
  t.match(error, { message: /there is no such file; name the fleet file with --fleet or BELAY_FLEET/ })
  const directory = t.testdir({})
  writeFileSync(join(directory, 'fleet.yaml'), 'version: 1\nhosts: {a: {}}\n')
  t.equal((await loadFleet(join(directory, 'fleet.yaml'))).hosts.length, 1)
})
