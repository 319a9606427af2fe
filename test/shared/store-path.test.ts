import t from 'tap'
import { parseStorePath } from '../../shared/store-path.ts'

const hash = '0123456789abcdfghijklmnpqrsvwxyz'

t.test('a top-level store path passes unchanged', async (t) => {
  for (const name of ['nixos-system-cinnabar-1', 'a', 'x+y_z?=1.0', `n${'a'.repeat(210)}`]) {
    t.equal(parseStorePath(`/nix/store/${hash}-${name}`), `/nix/store/${hash}-${name}`)
  }
})

t.test('anything else is refused with the value found and the value wanted', async (t) => {
  const hostile = [
    '',
    'nixos-system',
    `/nix/store/${hash}`,
    `/nix/store/${hash}-`,
    `/nix/store/${hash}-..`,
    `/nix/store/${hash}--set`,
    `/nix/store/${hash}-a/../../../etc`,
    `/nix/store/${hash}-a/bin`,
    `/nix/store/${hash}-a\n`,
    `/nix/store/${hash}-a b`,
    `/nix/store/${hash}-$(id)`,
    `/nix/store/${'e'.repeat(32)}-a`,
    `/nix/store/${hash}-n${'a'.repeat(211)}`,
    `../nix/store/${hash}-a`
  ]
  for (const text of hostile) {
    t.throws(() => parseStorePath(text), { code: 'invalid-store-path', found: text }, JSON.stringify(text))
  }
})
