/** The systems of the test machine: what boots by default at first, a candidate, and one whose boots are counted. */
export const systems = {
  1: '/nix/store/1111111111111111-nixos-system-baseline',
  2: '/nix/store/2222222222222222-nixos-system-candidate',
  3: '/nix/store/3333333333333333-nixos-system-counted'
} as const

/** Number of a generation, which is that of its entry. */
export type Generation = keyof typeof systems

/** The name by which systemd-boot and `bootctl` know an entry. */
export const entryId = (number: Generation) => `nixos-generation-${number}.conf`

/** Files of an entry as NixOS writes them, by name and text. The third has boot counting: the name changes at each boot. */
export function entryOf(number: Generation): { readonly name: string; readonly text: string } {
  const name = number === 3 ? entryId(number).replace('.conf', '+3.conf') : entryId(number)
  const text = `title NixOS
version Generation ${number}
linux /EFI/nixos/kernel.efi
initrd /EFI/nixos/initrd.efi
options init=${systems[number]}/init console=ttyS0 quiet panic=1
`
  return { name, text }
}

/** `loader.conf` with a default. Without a timeout there is no menu. */
export const loaderConf = (number: Generation) => `timeout 0\ndefault ${entryId(number)}\n`
