import { grub } from './grub.ts'
import { systemdBoot } from './systemd-boot.ts'

/** What can be asked of a boot loader. It is installed by `switch-to-configuration boot` alone. */
export interface BootLoader {
  readonly name: 'systemd-boot' | 'GRUB'
  /** The system that boots when nobody chooses; null where that cannot be told. */
  bootDefault(): Promise<string | null>
  /** Whether there is an entry that boots this system. */
  hasEntry(toplevel: string): Promise<boolean>
  /** Boots this system the next time, and that time only. Throws `trial-boot-unavailable` where it cannot. */
  bootOnce(toplevel: string): Promise<void>
  /** Takes {@link bootOnce} back. */
  forgetOnce(): Promise<void>
}

/** The boot loader below a boot directory; null where there is none that is known here. */
export async function bootLoaderOf(boot: string): Promise<BootLoader | null> {
  return (await systemdBoot(boot)) ?? (await grub(boot))
}

/** The system that boots when nobody chooses; null where that cannot be told. */
export async function readBootDefault(boot: string): Promise<string | null> {
  return (await bootLoaderOf(boot))?.bootDefault() ?? null
}
