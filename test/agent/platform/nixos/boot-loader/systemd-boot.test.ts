import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bootLoaderOf, readBootDefault } from '../../../../../agent/platform/nixos/boot-loader/boot-loader.ts'

const system = (n: number) => `/nix/store/${String(n).repeat(32)}-nixos-system-cinnabar-${n}`
const entry = (n: number) =>
  `title NixOS\nversion Generation ${n} x\noptions init=${system(n)}/init loglevel=4\n`
const boot = (conf: string, entries: Record<string, string>) => ({ loader: { 'loader.conf': conf, entries } })

t.test('the default is the toplevel of the entry that loader.conf names', async (t) => {
  const entries = { 'nixos-generation-1.conf': entry(1), 'nixos-generation-12.conf': entry(2) }
  t.equal(
    await readBootDefault(t.testdir(boot('timeout 5\ndefault nixos-generation-1.conf\n', entries))),
    system(1)
  )
  t.equal(await readBootDefault(t.testdir(boot('default nixos-generation-12\n', entries))), system(2))
})

t.test('entries named by hash, and with a boot counter', async (t) => {
  const entries = { 'nixos-0a1b+2-1.conf': entry(3), 'nixos-ffff.conf': entry(4) }
  t.equal(await readBootDefault(t.testdir(boot('default nixos-0a1b.conf\n', entries))), system(3))
})

t.test('what cannot be told is null', async (t) => {
  const entries = { 'a.conf': entry(1), 'b.conf': entry(2), 'broken.conf': 'title x\n' }
  for (const conf of ['', 'default *\n', 'default none.conf\n', 'default broken.conf\n', 'default [\n']) {
    t.equal(await readBootDefault(t.testdir(boot(conf, entries))), null, JSON.stringify(conf))
  }
  t.equal(await readBootDefault(t.testdir()), null)
})

t.test('what boots once is told to bootctl by a name that the boot loader finds it with', async (t) => {
  const entries = { 'nixos-0a1b+2-1.conf': entry(3), 'nixos-generation-4.conf': entry(4) }
  const dir = t.testdir({ boot: boot('default nixos-generation-4.conf\n', entries), tools: {} })
  const said = join(dir, 'said')
  const stand = `#!/bin/sh\nprintf '<%s>' "$@" > ${said}\n[ "$2" != '' ] || exit 0\n[ ! -e ${dir}/broken ]\n`
  writeFileSync(join(dir, 'tools/bootctl'), stand, { mode: 0o755 })
  const { PATH } = process.env
  process.env.PATH = `${dir}/tools:${PATH}`
  t.teardown(() => {
    process.env.PATH = PATH
  })
  const loader = await bootLoaderOf(join(dir, 'boot'))
  await loader?.bootOnce(system(4))
  t.equal(readFileSync(said, 'utf8'), '<set-oneshot><nixos-generation-4.conf>')
  await loader?.bootOnce(system(3))
  t.equal(readFileSync(said, 'utf8'), '<set-oneshot><nixos-0a1b[.+]*>', 'with and without its counter')
  await loader?.forgetOnce()
  t.equal(readFileSync(said, 'utf8'), '<set-oneshot><>')
  writeFileSync(join(dir, 'broken'), '')
  await t.rejects(async () => loader?.bootOnce(system(4)), {
    code: 'trial-boot-unavailable',
    wanted: /EFI variables/
  })
  await t.rejects(async () => loader?.bootOnce(system(5)), {
    code: 'trial-boot-unavailable',
    found: system(5)
  })
})
