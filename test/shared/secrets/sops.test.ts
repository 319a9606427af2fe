import fc from 'fast-check'
import t from 'tap'
import { formatOf, opens, readSops, recipientsOf, sopsFormats } from '../../../shared/secrets/sops.ts'
import { recipient, sopsFile } from './sops-files.ts'

const [a, b, c] = [recipient(1), recipient(2), recipient(3)]

for (const format of sopsFormats) {
  t.test(`${format}: recipients, sum, and no value taken for plain`, async (t) => {
    const file = await readSops(sopsFile(format, [a, b]), format)
    t.same(file, { groups: [[a, b]], threshold: 1, others: [], mac: true, plain: [] })
    if (file === null) return
    t.equal(opens(file, [b]), true)
    t.equal(opens(file, [c]), false)
    t.equal(opens(file, []), false)
    t.same(recipientsOf(file), [a, b])
  })
}

t.test('a value that was left plain is named, and never shown', async (t) => {
  const cases = [
    ['yaml', sopsFile('yaml', [a]).replace('port_unencrypted', 'port'), 'port'],
    ['json', sopsFile('json', [a]).replace('port_unencrypted', 'port'), 'port'],
    ['binary', sopsFile('binary', [a]).replace(/"data": "[^"]*"/, '"data": "hunter2"'), 'data'],
    ['dotenv', `TOKEN=hunter2\n${sopsFile('dotenv', [a])}`, 'TOKEN'],
    ['ini', `[web]\ntoken = hunter2\n${sopsFile('ini', [a])}`, 'web.token']
  ] as const
  for (const [format, text, name] of cases) {
    const file = await readSops(text, format)
    t.same(file?.plain, [name], format)
    t.notMatch(JSON.stringify(file), /hunter2/)
  }
})

t.test('the rules of a file say what is to be encrypted', async (t) => {
  const plain = async (rule: object) => (await readSops(sopsFile('json', [a], rule), 'json'))?.plain
  t.same(await plain({ unencrypted_suffix: '_other' }), ['port_unencrypted'])
  t.same(await plain({ encrypted_suffix: 'password' }), [])
  t.same(await plain({ encrypted_regex: '^(port.*)$' }), ['port_unencrypted'])
  t.same(await plain({ unencrypted_regex: '^port' }), [])
  t.same(await plain({ unencrypted_suffix: '', unencrypted_comment_regex: '^plain' }), [], 'by comments')
  t.same(await plain({ unencrypted_suffix: '', encrypted_comment_regex: '^sops' }), [])
  t.same(await plain({ encrypted_regex: '(?i)x(' }), [], 'a pattern that is none calls nothing plain')
})

t.test('key groups need as many as the threshold says', async (t) => {
  const group = (...all: string[]) => ({ age: all.map((each) => ({ recipient: each, enc: 'x' })) })
  const more = { age: [], key_groups: [group(a), group(b), group(c)], shamir_threshold: 2 }
  const file = await readSops(sopsFile('json', [], more), 'json')
  t.ok(file)
  if (file === null) return
  t.equal(opens(file, [a]), false)
  t.equal(opens(file, [a, c]), true)
  const all = await readSops(sopsFile('json', [], { ...more, shamir_threshold: undefined }), 'json')
  t.equal(all && opens(all, [a, c]), false, 'without a threshold all of them')
})

t.test('where pgp or a cloud may open it nobody can tell', async (t) => {
  const file = await readSops(sopsFile('yaml', [], { pgp: [{ fp: 'AA', enc: 'x' }] }), 'yaml')
  t.same(file?.others, ['pgp'])
  t.equal(file && opens(file, [a]), null)
})

t.test('a file without its sum, and what is no file of sops', async (t) => {
  t.equal((await readSops(sopsFile('json', [a], { mac: '' }), 'json'))?.mac, false)
  for (const text of ['', '{}', '[]', 'null', '{"sops":1}', 'a: &a [*a]', '[sops', '\u0000', '{"sops":'])
    for (const format of sopsFormats) await readSops(text, format)
  t.equal(await readSops('{"a":1}', 'json'), null)
  t.equal(await readSops('a: 1', 'yaml'), null)
  t.equal(await readSops('A=1', 'dotenv'), null)
  t.equal(await readSops(`${' '.repeat(5_000_000)}{}`, 'json'), null, 'too long')
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.constantFrom(...sopsFormats), async (text, format) => {
      const file = await readSops(`${text}\nsops_x__list_0=1\n[sops]\n__proto__=1`, format)
      return file === null || file.groups.length > 0
    })
  )
  t.equal(({} as Record<string, unknown>)['1'], undefined)
})

t.test('the name tells the format, as sops guesses it', async (t) => {
  t.same(['a.yml', 'a.json', 'x/.env', 'b.env', 'c.ini', 'secret'].map(formatOf), [
    ...['yaml', 'json', 'dotenv', 'dotenv', 'ini', 'binary']
  ])
})
