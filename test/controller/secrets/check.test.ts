import { join } from 'node:path'
import t from 'tap'
import { secretsView } from '../../../controller/cli/views/secrets.ts'
import { painter } from '../../../controller/cli/views/text.ts'
import { resolveFleet } from '../../../controller/inventory/fleet.ts'
import { checkSecrets } from '../../../controller/secrets/check.ts'
import { recipient, sopsFile } from '../../shared/secrets/sops-files.ts'

const [ours, theirs] = [recipient(1), recipient(2)]
const fleetOf = (recipients: readonly string[]) =>
  resolveFleet({ version: 1, hosts: { cinnabar: { recipients: [...recipients] } } }, '/x/fleet.yaml').hosts
const options = (flake: string, hosts = fleetOf([ours])) => ({
  ...{ flake, hosts, known: ['cinnabar'], policy: { directories: ['secrets'] }, evaluate: null }
})

t.test('every file of the folders is encrypted, in each format', async (t) => {
  const flake = t.testdir({
    secrets: {
      'a.yaml': sopsFile('yaml', [ours]),
      'b.json': sopsFile('json', [ours]),
      'c.env': sopsFile('dotenv', [ours]),
      'd.ini': sopsFile('ini', [ours]),
      e: sopsFile('binary', [ours]),
      'README.md': 'words'
    }
  })
  t.match(await checkSecrets(options(flake)), { ok: true, problems: [] })
})

t.test('what is not is named with its file', async (t) => {
  const flake = t.testdir({
    secrets: {
      'plain.yaml': 'db: hunter2\n',
      'part.yaml': `token: hunter2\n${sopsFile('yaml', [ours])}`,
      'unsure.json': sopsFile('json', [ours], { mac: null }),
      deep: { link: t.fixture('symlink', '../plain.yaml') }
    }
  })
  const report = await checkSecrets(options(flake))
  t.equal(report.ok, false)
  t.match(Object.fromEntries(report.problems.map(({ path, kind }) => [path, kind])), {
    'secrets/deep/link': 'link-wrong',
    'secrets/part.yaml': 'value-not-encrypted',
    'secrets/plain.yaml': 'not-encrypted',
    'secrets/unsure.json': 'no-mac'
  })
  const text = secretsView(report, painter(false))
  t.match(text, /✖ secrets\/part.yaml: not encrypted in it: token \(value-not-encrypted\)/)
  t.match(text, /4 errors/)
  t.notMatch(text + JSON.stringify(report), /hunter2/)
  const url = await checkSecrets(options(`path:${flake}`))
  t.equal(url.problems.length, 4, 'also where the folder is written as a URL')
  const empty = await checkSecrets(options(t.testdir()))
  t.match(
    empty.problems,
    [{ kind: 'unreadable', path: 'secrets' }],
    'a folder that is not there is no good sign'
  )
  t.match((await checkSecrets(options('github:example/x'))).problems, [{ kind: 'unreadable' }])
})

t.test('what a host declares is for a key of the host', async (t) => {
  const flake = t.testdir({
    'ours.yaml': sopsFile('yaml', [ours]),
    'theirs.yaml': sopsFile('yaml', [theirs]),
    secrets: { a: sopsFile('binary', [ours]) }
  })
  const asked: unknown[] = []
  const evaluate = async (attribute: string, apply?: string) => {
    asked.push([attribute, apply?.includes('sopsFile')])
    const of = (name: string) => ({ sopsFile: join(flake, name), format: 'yaml' })
    return { db: of('ours.yaml'), web: of('theirs.yaml'), gone: of('gone.yaml') }
  }
  const report = await checkSecrets({ ...options(flake), evaluate })
  t.same(asked, [['nixosConfigurations.cinnabar.config.sops.secrets', true]])
  t.match(report.problems, [
    { kind: 'not-for-host', host: 'cinnabar', message: `web: for ${theirs}; the host has ${ours}` },
    { kind: 'unreadable', host: 'cinnabar', message: /gone/ }
  ])
  t.match(report.looked, { declared: 3 })
  const keyless = await checkSecrets({ ...options(flake, fleetOf([])), evaluate })
  t.match(keyless.problems, [{ kind: 'host-without-key' }, { kind: 'unreadable' }])
  const wrong = checkSecrets({ ...options(flake), evaluate: async () => ({ db: { sopsFile: 1 } }) })
  await t.rejects(wrong, { code: 'invalid-inventory' })
})
