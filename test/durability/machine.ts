import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { emptyDisk, installPackages, kernelParts, linesOf, nodeDisk, writeInitrd } from '../machine/parts.ts'

/** A machine whose only process is the guest, with one disk that outlives it. */
export class Machine {
  readonly #argv: readonly string[]

  private constructor(argv: readonly string[]) {
    this.#argv = argv
  }

  /** Makes what the machine needs in a directory of the caller's, with an empty disk. */
  static async make(directory: string): Promise<Machine> {
    await installPackages(['qemu-system-x86', 'busybox-static', 'e2fsprogs'])
    const kernel = await kernelParts()
    const guest = join(import.meta.dirname, 'guest.ts')
    const initrd = await writeInitrd({ directory, kernel: kernel.directory, guest, mounts: [] })
    const data = join(directory, 'data.img')
    await emptyDisk(data, '256M')
    const argv = ['-accel', 'tcg', '-m', '512', '-nographic', '-no-reboot', '-net', 'none']
    argv.push('-kernel', kernel.image, '-initrd', initrd)
    argv.push('-drive', `file=${data},if=virtio,format=raw`)
    argv.push('-drive', `file=${await nodeDisk()},if=virtio,format=raw,readonly=on`)
    return new Machine(argv)
  }

  /** Starts it, with words for the guest's environment, and hands on every line that the guest says. */
  start(words: Readonly<Record<string, string>>, onLine: (line: string) => void): ChildProcess {
    const environment = Object.entries(words).map(([name, value]) => `${name}=${value}`)
    const append = ['-append', `console=ttyS0 quiet panic=-1 ${environment.join(' ')}`]
    const machine = spawn('qemu-system-x86_64', [...this.#argv, ...append], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    linesOf(machine.stdout, onLine)
    return machine
  }
}
