import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readBootEntries, stale, withoutEntry } from '../../../../agent/platform/nixos/boot-entries.ts'

const system = (n: number) => `/nix/store/${String(n).repeat(32)}-nixos-system`
const entry = (n: number) => ({ number: n, storePath: system(n) })
const generation = (n: number) => ({ number: n, systems: [system(n)] })

t.test('entries are read by their version and init, never by their name', async (t) => {
  const boot = t.testdir()
  t.equal(await readBootEntries(boot), null, 'no systemd-boot')
  const directory = join(boot, 'loader/entries')
  await mkdir(directory, { recursive: true })
  const text = `title NixOS\nversion Generation 7 26.05, built on 2026-01-02\noptions quiet init=${system(1)}/init x\n`
  await writeFile(join(directory, `nixos-${'0'.repeat(64)}+3.conf`), text)
  await writeFile(join(directory, 'other.conf'), 'title Other\noptions root=/dev/sda1\n')
  await writeFile(join(directory, 'custom.conf'), `options init=${system(2)}/init\n`)
  await writeFile(join(directory, 'left.conf.tmp'), text)
  const entries = (await readBootEntries(boot)) ?? []
  t.same(
    new Set(entries.map((each) => JSON.stringify(each))),
    new Set(
      [
        { number: 7, storePath: system(1) },
        { number: null, storePath: system(2) }
      ].map((e) => JSON.stringify(e))
    )
  )
})

t.test('a generation that stays has its entry, unless it is beyond the limit', async (t) => {
  const kept = [1, 2, 3, 4].map(generation)
  t.same(withoutEntry(kept, [], [2, 3, 4].map(entry)), [], 'the oldest is beyond a limit of three')
  t.same(withoutEntry(kept, [entry(1)], [2, 3, 4].map(entry)), [1], 'it had one before')
  t.same(withoutEntry(kept, [], [1, 2, 4].map(entry)), [3], 'a hole')
  t.same(withoutEntry(kept, [], []), [1, 2, 3, 4], 'none at all')
  t.same(withoutEntry([generation(1)], [], [{ number: 1, storePath: system(9) }]), [1], 'another system')
})

t.test('entries of generations that are no more', async (t) => {
  const entries = [
    entry(1),
    entry(2),
    { number: null, storePath: system(9) },
    { number: 1, storePath: system(8) }
  ]
  t.same(stale(entries, [generation(2)], [system(8)]), [entry(1)])
  t.same(
    stale([{ number: 1, storePath: system(2) }], [generation(2)], []).length,
    1,
    'the system lives on as 2'
  )
})
