import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mustRun } from '../../shared/command.ts'
import {
  emptyDisk,
  installPackages,
  kernelParts,
  linesOf,
  nodeDisk,
  unpackPackages,
  writeInitrd
} from '../machine/parts.ts'
import { entryOf, loaderConf } from './entries.ts'

/** Debian packages for a virtual machine with UEFI, besides those that are only unpacked. */
const packages = ['qemu-system-x86', 'ovmf', 'busybox-static', 'e2fsprogs', 'dosfstools', 'mtools']
/** How long a machine without hardware support may take for an answer, on a machine that does much else. */
const PATIENCE_MS = 240_000
const options = { timeoutMs: 120_000 }

/** What the guest says: what has booted, or what it did, and how things stand. */
export interface Answer {
  readonly booted?: true
  readonly did?: string
  /** Why it did not. */
  readonly code?: string | null
  readonly message?: string
  readonly bootId: string
  readonly selected: string | null
  readonly once: string | null
  readonly system: string | null
  readonly bootDefault: string | null
  readonly entries: readonly string[]
}

/** A machine with UEFI, whose variables and disks outlive it: OVMF, systemd-boot, Debian's kernel, and the guest. */
export class EfiMachine {
  readonly #argv: readonly string[]
  #child: ChildProcess | undefined
  readonly #answers: Answer[] = []
  #console = ''
  #heard: (() => void) | undefined

  private constructor(argv: readonly string[]) {
    this.#argv = argv
  }

  /**
   * Makes what the machine needs in a directory of the caller's, with the baseline as the only entry; with another
   * systemd-boot than this machine's Debian has where a file of it is named.
   */
  static async make(directory: string, systemdBoot?: string): Promise<EfiMachine> {
    await installPackages(packages)
    const kernel = await kernelParts()
    const boot = await unpackPackages('systemd-boot', 'systemd-boot-efi', 'libsystemd-shared')
    const initrd = await writeInitrd({
      directory,
      kernel: kernel.directory,
      guest: join(import.meta.dirname, 'guest.ts'),
      modules: ['fs/nls/nls_cp437', 'fs/nls/nls_ascii', 'fs/fat/fat', 'fs/fat/vfat', 'fs/efivarfs/efivarfs'],
      mounts: [
        'mount -t efivarfs efivarfs /sys/firmware/efi/efivars',
        'mount -t vfat -o sync /dev/vdc /boot'
      ],
      programs: [join(boot, 'usr/bin/bootctl')],
      files: { 'guard.sh': join(import.meta.dirname, '../../agent/platform/nixos/guard.sh') }
    })
    const disks = [join(directory, 'data.img'), await nodeDisk(), join(directory, 'esp.img')] as const
    await emptyDisk(disks[0], '64M')
    await systemPartition(disks[2], {
      '/EFI/BOOT/BOOTX64.EFI': systemdBoot ?? join(boot, 'usr/lib/systemd/boot/efi/systemd-bootx64.efi'),
      '/EFI/nixos/kernel.efi': kernel.image,
      '/EFI/nixos/initrd.efi': initrd
    })
    const variables = join(directory, 'variables.fd')
    copyFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd', variables)
    return new EfiMachine([
      ...['-accel', 'tcg', '-m', '768', '-nographic', '-net', 'none'],
      ...['-drive', 'if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd'],
      ...['-drive', `if=pflash,unit=1,format=raw,file=${variables}`],
      ...disks.flatMap((file, i) => [
        ...['-drive', `if=none,id=disk${i},format=raw,file=${file}${i === 1 ? ',readonly=on' : ''}`],
        ...['-device', `virtio-blk-pci,drive=disk${i},bootindex=${i === 2 ? 0 : i + 1}`]
      ])
    ])
  }

  /** Gives it power, after a cut as well; tells what has booted. */
  async powerOn(): Promise<Answer> {
    const child = spawn('qemu-system-x86_64', this.#argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    child.once('close', () => this.#heard?.())
    linesOf(child.stdout, (line) => {
      this.#console = `${this.#console}${line}\n`.slice(-4000)
      const answer = /^belay (\{.*\})$/.exec(line)?.[1]
      if (answer !== undefined) this.#answers.push(JSON.parse(answer) as Answer)
      this.#heard?.()
    })
    return this.#booted()
  }

  /** Takes the power, in the middle of whatever it does. */
  async cutPower(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
    this.#answers.length = 0
  }

  /** Gives an order, and tells how things stand when it is carried out. */
  async tell(order: string): Promise<Answer> {
    this.#child?.stdin?.write(`${order}\n`)
    return this.#next(({ did }) => did === order, order)
  }

  /** Gives an order that ends in a reboot, and tells what has booted then. */
  async restart(order: 'reboot' | 'panic'): Promise<Answer> {
    this.#child?.stdin?.write(`${order}\n`)
    return this.#booted()
  }

  async #booted(): Promise<Answer> {
    return this.#next(({ booted }) => booted === true, 'a boot')
  }

  async #next(wanted: (answer: Answer) => boolean, what: string): Promise<Answer> {
    const end = performance.now() + PATIENCE_MS
    for (;;) {
      const answer = this.#answers.shift()
      if (answer && wanted(answer)) return answer
      if (answer) continue
      const left = end - performance.now()
      const gone = this.#child?.exitCode !== null
      if (left <= 0 || gone)
        throw new Error(`${what}: ${gone ? 'the machine has ended' : 'no answer'}\n${this.#console}`)
      await this.#something(left)
    }
  }

  async #something(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, milliseconds)
    this.#heard = resolve
    await promise
    clearTimeout(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cutPower()
  }
}

/** An EFI system partition with systemd-boot where firmware looks for it, and the baseline as its default. */
async function systemPartition(file: string, content: Readonly<Record<string, string>>): Promise<void> {
  const configuration = `${file}.d`
  mkdirSync(configuration)
  const { name, text } = entryOf(1)
  writeFileSync(join(configuration, 'entry'), text)
  writeFileSync(join(configuration, 'loader'), loaderConf(1))
  await mustRun(['truncate', '--size=160M', file], options)
  await mustRun(['mkfs.vfat', '-F', '32', file], options)
  const folders = ['/EFI', '/EFI/BOOT', '/EFI/nixos', '/loader', '/loader/entries']
  await mustRun(['mmd', '-i', file, ...folders.map((folder) => `::${folder}`)], options)
  const all = {
    ...content,
    '/loader/loader.conf': join(configuration, 'loader'),
    [`/loader/entries/${name}`]: join(configuration, 'entry')
  }
  for (const [to, from] of Object.entries(all)) await mustRun(['mcopy', '-i', file, from, `::${to}`], options)
}
