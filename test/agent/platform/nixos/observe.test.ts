import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { observe } from '../../../../agent/platform/nixos/observe.ts'

/** A host with two systems, whose profile, running system and boot default are chosen by number. */
async function host(dir: string, chosen: { profile: number; running: number; bootDefault: number }) {
  const system = (n: number) => join(dir, `system-${n}`)
  for (const n of [1, 2]) await mkdir(system(n))
  for (const path of ['run', 'profiles', 'boot/loader/entries'])
    await mkdir(join(dir, path), { recursive: true })
  for (const n of [1, 2]) {
    await symlink(system(n), join(dir, `profiles/system-${n}-link`))
    await writeFile(join(dir, `boot/loader/entries/g${n}.conf`), `options init=${system(n)}/init\n`)
  }
  await symlink(`system-${chosen.profile}-link`, join(dir, 'profiles/system'))
  await symlink(system(chosen.running), join(dir, 'run/current-system'))
  await symlink(system(1), join(dir, 'run/booted-system'))
  await writeFile(join(dir, 'boot/loader/loader.conf'), `default g${chosen.bootDefault}.conf\n`)
  return { profile: join(dir, 'profiles/system'), run: join(dir, 'run'), boot: join(dir, 'boot') }
}

t.test('a host at rest has no drift, whatever it booted', async (t) => {
  const dir = t.testdir()
  const seen = await observe(await host(dir, { profile: 2, running: 2, bootDefault: 2 }))
  const [one, two] = [join(dir, 'system-1'), join(dir, 'system-2')]
  t.match(seen, { number: 2, storePath: two, running: two, booted: one, bootDefault: two, drift: false })
})

t.test('each of profile, running system and boot default that differs is drift', async (t) => {
  for (const different of ['profile', 'running', 'bootDefault'] as const) {
    const chosen = { profile: 2, running: 2, bootDefault: 2, [different]: 1 }
    t.equal((await observe(await host(t.testdir(), chosen))).drift, true, different)
  }
})

t.test('a machine without any of it is observed as empty', async (t) => {
  const dir = t.testdir()
  const places = { profile: join(dir, 'p/system'), run: join(dir, 'run'), boot: join(dir, 'boot') }
  t.match(await observe(places), {
    number: null,
    storePath: null,
    running: null,
    booted: null,
    bootDefault: null,
    drift: false
  })
})
