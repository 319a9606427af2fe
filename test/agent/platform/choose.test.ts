import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { choosePlatform } from '../../../agent/platform/choose.ts'
import { darwin } from '../../../agent/platform/darwin/darwin.ts'
import { nixos } from '../../../agent/platform/nixos/nixos.ts'

t.test('this machine is no Mac; the fleet test of darwin has one that is', async (t) => {
  t.equal(await choosePlatform(), nixos)
  t.not(await choosePlatform(), darwin)
})

t.test('nobody else asks which platform this is', async (t) => {
  const files = globSync('agent/**/*.ts').filter((file) => !file.startsWith('agent/platform/'))
  t.ok(files.length > 80)
  const asks = files.filter((file) =>
    /darwin|process\.platform|os\.platform/.test(readFileSync(file, 'utf8'))
  )
  t.same(asks, [])
})
