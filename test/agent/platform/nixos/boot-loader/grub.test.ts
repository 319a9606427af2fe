import fc from 'fast-check'
import t from 'tap'
import { bootLoaderOf } from '../../../../../agent/platform/nixos/boot-loader/boot-loader.ts'
import { grubEntries } from '../../../../../agent/platform/nixos/boot-loader/grub.ts'

const system = (n: number) => `/nix/store/${String(n).repeat(32)}-nixos-system-cinnabar-${n}`
const entry = (title: string, n: number) => `menuentry "${title}" --class nixos --unrestricted {
  search --set=drive1 --fs-uuid 0000-0000
  linux ($drive1)/kernels/x-bzImage init=${system(n)}/init loglevel=4
  initrd ($drive1)/kernels/x-initrd
}
`
const header = (once: string, fallback: string) => `if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "\${${once}}" ]; then
  set default="\${${once}}"
  set ${once}=
  save_env ${once}
else
  set default=${fallback}
fi
function savedefault {
  if [ -z "\${boot_once}" ]; then
    save_env saved_entry
  fi
}
`
const config = (once = 'next_entry', fallback = '0') =>
  `${header(once, fallback)}${entry('NixOS - Default', 2)}submenu "NixOS - All configurations" --class submenu {
${entry('NixOS - Configuration 2 (2026-01-02 - a > b)', 2)}${entry('NixOS - Configuration 1 (2026-01-01 - \\"a\\")', 1)}}
menuentry 'Memtest' {
  linux /memtest.bin
}
`
const host = (text: string) => ({ grub: { 'grub.cfg': text } })

t.test('entries, by the names that GRUB takes for them', async (t) => {
  t.same(grubEntries(config()), [
    { id: 'NixOS - Default', index: 0, toplevel: system(2) },
    {
      id: 'NixOS - All configurations>NixOS - Configuration 2 (2026-01-02 - a >> b)',
      index: null,
      toplevel: system(2)
    },
    {
      id: 'NixOS - All configurations>NixOS - Configuration 1 (2026-01-01 - "a")',
      index: null,
      toplevel: system(1)
    }
  ])
})

t.test('any text gives entries or none, and each is of the text', async (t) => {
  const line = fc.constantFrom(
    'menuentry "a" {',
    "submenu 'b' {",
    '}',
    'if {',
    'linux init=/x/init',
    'menuentry {'
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string())), (lines) => {
      for (const { id, toplevel } of grubEntries(lines.join('\n'))) {
        if (id === '' && !lines.some((each) => /menuentry|submenu/.test(each))) throw new Error(id)
        if (!lines.join('\n').includes(`init=${toplevel}/init`)) throw new Error(toplevel)
      }
    })
  )
  t.pass()
})

t.test('the default is the entry of that number in the outermost menu, or cannot be told', async (t) => {
  const defaultOf = async (text: string) => (await bootLoaderOf(t.testdir(host(text))))?.bootDefault()
  t.equal(await defaultOf(config()), system(2))
  t.equal(await defaultOf(config('next_entry', '1')), null, 'a submenu')
  t.equal(await defaultOf(config('next_entry', '"$' + '{saved_entry}"')), null)
  t.equal(await defaultOf(''), null)
})

t.test('what boots once needs an entry, and a variable that is deleted', async (t) => {
  const once = async (text: string, n: number) =>
    (await bootLoaderOf(t.testdir(host(text))))?.bootOnce(system(n))
  await t.rejects(once(config(), 3), { code: 'trial-boot-unavailable', found: 'no entry' })
  await t.rejects(once(config('other'), 1), { code: 'trial-boot-unavailable', found: 'no next_entry' })
})

t.test('no boot loader that is known', async (t) => {
  t.equal(await bootLoaderOf(t.testdir()), null)
})
