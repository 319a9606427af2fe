import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { defaultChecks, MAX_CHECKS, parseChecks } from '../../../agent/config/checks.ts'
import { kinds } from '../../../agent/health/kinds/kinds.ts'
import { BelayError } from '../../../shared/errors.ts'

const places = { stateDirectory: '/var/lib/belay', bootDirectory: '/efi' }
const parse = (checks: object | null) => parseChecks(checks, places)

t.test('the default set is valid and cheap', async (t) => {
  const checks = parse(null)
  t.same(checks, parse(defaultChecks(places)))
  t.match(
    checks.find(({ name }) => name === 'boot-bytes'),
    { options: { path: '/efi', warn: 0.85, fail: 0.95 } }
  )
  t.notOk(
    checks.some(({ kind }) => ['command', 'ssh', 'mesh', 'http', 'gc-roots'].includes(kind)),
    'nothing leaves the host or walks the disk'
  )
  t.notOk(
    checks.some(({ votes }) => votes),
    'and nothing of it can roll an activation back'
  )
  t.same(parse({}), [], 'none where none are wanted')
})

t.test('docs/checks.md has every kind, and its examples are valid', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/checks.md'), 'utf8')
  const [, below = ''] = page.split('\n## Kinds\n')
  const named = [...below.matchAll(/^### (.*)$/gm)].flatMap(([, title = '']) => title.split(', '))
  t.same(named.toSorted(), Object.keys(kinds).toSorted())
  const examples = [...below.matchAll(/^ {4}(\{.*\})$/gm)].map(([, text = '']) => JSON.parse(text) as object)
  t.ok(examples.length >= named.length - 2)
  for (const example of examples) t.equal(parse({ example }).length, 1)
})

t.test('defaults are filled in, also inside lists', async (t) => {
  const [check] = parse({ keys: { kind: 'secrets-present', secrets: [{ path: '/run/secrets/a' }] } })
  t.match(check, {
    ...{
      name: 'keys',
      schedule: '*/5 * * * *',
      timeZone: 'UTC',
      severity: 'major',
      forSeconds: 0,
      votes: false
    },
    options: { secrets: [{ path: '/run/secrets/a', owner: null, group: null, mode: null }] }
  })
})

t.test('a mistake names key, value and what was wanted', async (t) => {
  const cases: [object, RegExp][] = [
    [{ 'Big Name': { kind: 'load' } }, /^checks: found "Big Name", wanted: a name/],
    [{ '--help': { kind: 'load' } }, /^checks: found "--help"/],
    [{ a: { kind: 'lode' } }, /^checks\.a\.kind: found "lode", wanted: one of failed-units, /],
    [{ a: { kind: 'constructor' } }, /^checks\.a\.kind: found "constructor"/],
    [{ a: null }, /^checks\.a\.kind: found undefined/],
    [{ a: { kind: 'load', wran: 1 } }, /^checks\.a\.wran: found 1, wanted: no such key/],
    [{ a: { kind: 'load', timeoutSeconds: 0 } }, /^checks\.a\.timeoutSeconds: found 0/],
    [{ a: { kind: 'load', schedule: '* * * * * *' } }, /^checks\.a\.schedule: .*wanted 5/],
    [{ a: { kind: 'load', timeZone: 'Nowhere' } }, /^checks\.a\.timeZone: found "Nowhere"/],
    [{ a: { kind: 'drift', votes: true } }, /^checks\.a\.votes: found true, wanted: false/],
    [{ a: { kind: 'service', units: ['--all'] } }, /^checks\.a\.units\.0: found "--all"/],
    [{ a: { kind: 'ssh', host: '-oProxyCommand=x' } }, /^checks\.a\.host: found/],
    [{ a: { kind: 'command', argv: [] } }, /^checks\.a\.argv/],
    [{ a: { kind: 'command', argv: ['x'], pattern: '(' } }, /pattern: Invalid regular expression/],
    [{ a: { kind: 'command', argv: ['x'], warn: 1 } }, /warn and fail need a value/],
    [{ a: { kind: 'command', argv: ['x'], user: '-root' } }, /^checks\.a\.user/],
    [{ a: { kind: 'certificate-expiry' } }, /wanted either file or server/],
    [{ a: { kind: 'dns', name: 'x', servers: ['resolver'] } }, /servers: wanted addresses/]
  ]
  for (const [checks, message] of cases)
    t.throws(() => parse(checks), { code: 'invalid-config', message }, JSON.stringify(checks))
  const many = Object.fromEntries(
    Array.from({ length: MAX_CHECKS + 1 }, (_, i) => [`c${i}`, { kind: 'load' }])
  )
  t.throws(() => parse(many), { message: /at most 100 checks/ })
})

t.test('whatever is in the file is a configuration or an error of it', async () => {
  const check = fc.oneof(
    fc.record({ kind: fc.constantFrom(...Object.keys(kinds)) }, { requiredKeys: [] }),
    fc.dictionary(fc.constantFrom('kind', 'schedule', 'warn', 'argv', 'path', '__proto__'), fc.jsonValue()),
    fc.jsonValue()
  )
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 8 }), check, { maxKeys: 3 }), (checks) => {
      try {
        for (const setting of parse(JSON.parse(JSON.stringify(checks)) as object))
          kinds[setting.kind].begin(setting.options)
      } catch (error) {
        if (!(error instanceof BelayError) || error.code !== 'invalid-config') throw error
      }
    })
  )
})
