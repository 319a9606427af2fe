import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Run } from '../../../controller/build/run.ts'
import { vars } from '../../../controller/cli/commands/vars.ts'
import { painter } from '../../../controller/cli/views/text.ts'
import { varsView } from '../../../controller/cli/views/vars.ts'
import type { Wiring } from '../../../controller/cli/wiring.ts'
import { runCommand } from '../../../shared/command.ts'
import { recipient, sopsFile } from '../../shared/secrets/sops-files.ts'

const [own, other] = [recipient(1), recipient(2)]

/** A repository, and a stand-in for clan; the real one was never run against this. */
function repository(made: string) {
  const directory = t.testdir({
    'fleet.yaml': 'version: 1\nhosts: { cinnabar: {}, galena: {} }\n',
    made,
    sops: { machines: { cinnabar: { 'key.json': JSON.stringify({ publickey: own, type: 'age' }) } } }
  })
  const bin = join(directory, 'bin')
  mkdirSync(bin)
  cpSync(join(import.meta.dirname, '../../fixtures/clan/clan.sh'), join(bin, 'clan'))
  chmodSync(join(bin, 'clan'), 0o755)
  const run: Run = ([program = '', ...words], options) => runCommand([join(bin, program), ...words], options)
  const wiring = { run, signal: new AbortController().signal } as Wiring
  return {
    directory,
    of: (word: 'generate' | 'check', ...names: string[]) =>
      vars(word, names, { fleet: join(directory, 'fleet.yaml') }, wiring, () => {}),
    calls: () => readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n')
  }
}

t.test('what was made is looked at: encrypted, and for the machine', async (t) => {
  const { of, calls, directory } = repository(sopsFile('binary', [own]))
  t.match(await of('check', 'cinnabar'), [{ ok: false, code: 'vars-failed' }], 'nothing was made yet')
  t.match(await of('generate', 'cinnabar'), [{ ok: true, secrets: 1, problems: [] }])
  const checked = await of('check', 'cinnabar')
  t.match(checked, [{ ok: true }])
  t.match(varsView(checked, painter(false)), /✔ cinnabar: 1 secrets of its own/)
  t.same(calls(), ['vars check cinnabar', 'vars generate cinnabar', 'vars check cinnabar'])
  const flakeIs = (flake: string) =>
    writeFileSync(join(directory, 'fleet.yaml'), `version: 1\nflake: ${flake}\nhosts: { cinnabar: {} }\n`)
  flakeIs(`path:${directory}`)
  t.match(await of('check'), [{ ok: true, secrets: 1 }], 'also where the folder is written as a URL')
  flakeIs('github:example/x')
  t.match(await of('check'), [{ ok: false, code: 'invalid-request' }])
})

t.test('what clan made wrongly is no success', async (t) => {
  const foreign = await repository(sopsFile('binary', [other])).of('generate', 'cinnabar')
  t.match(foreign, [{ ok: false, code: 'secrets-wrong', message: /machine cinnabar .* no recipient/ }])
  const plain = await repository('hunter2').of('generate', 'cinnabar')
  t.match(plain, [{ ok: false, code: 'secrets-wrong', message: /not encrypted/ }])
  t.notMatch(varsView(plain, painter(false)), /hunter2/)
})

t.test('a question finds nobody, and ends there; other hosts go on', async (t) => {
  const all = await repository(sopsFile('binary', [own])).of('generate', 'galena', 'cinnabar')
  t.match(all, [
    { host: 'cinnabar', ok: true },
    { host: 'galena', ok: false, code: 'vars-failed', message: /may have wanted to ask.*Enter the value/s }
  ])
})
