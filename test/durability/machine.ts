import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, globSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { mustRun, runCommand } from '../../shared/command.ts'
import { cacheDir } from '../fleet/root.ts'

/** Debian packages for a virtual machine, besides the kernel, which is not installed but unpacked. */
const packages = ['qemu-system-x86', 'busybox-static', 'e2fsprogs']
const options = { timeoutMs: 10 * 60_000, env: { DEBIAN_FRONTEND: 'noninteractive' } }
const modules = [
  'virtio/virtio_ring',
  'virtio/virtio',
  'virtio/virtio_pci_modern_dev',
  'virtio/virtio_pci_legacy_dev',
  'virtio/virtio_pci',
  'block/virtio_blk'
]

const init = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
for module in ${modules.map((m) => m.replace(/.*\//, '')).join(' ')}; do /bin/busybox insmod /$module.ko; done
/bin/busybox mount -t ext4 -o ro,noload /dev/vdb /node
/bin/busybox mount -t ext4 /dev/vda /data
exec /node/node /guest.mjs
`

/** Why no virtual machine can be made here; undefined when it can. */
export function machineUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64'
  if (process.getuid?.() !== 0) return 'needs root, to install qemu and unpack a kernel'
  return undefined
}

/** A machine whose only process is the guest, with one disk that outlives it. */
export class Machine {
  readonly #directory: string
  readonly #kernel: string
  readonly #node: string

  private constructor(directory: string, kernel: string, node: string) {
    this.#directory = directory
    this.#kernel = kernel
    this.#node = node
  }

  /** Makes what the machine needs in a directory of the caller's, with an empty disk. */
  static async make(directory: string): Promise<Machine> {
    const { code } = await runCommand(['dpkg-query', '--show', ...packages], options)
    if (code !== 0)
      await mustRun(['apt-get', 'install', '-y', '--no-install-recommends', ...packages], options)
    const kernel = await unpackKernel()
    const node = await nodeDisk()
    await writeInitrd(directory, kernel)
    await mustRun(['truncate', '--size=256M', join(directory, 'data.img')], options)
    await mustRun(['mkfs.ext4', '-q', join(directory, 'data.img')], options)
    return new Machine(directory, kernel, node)
  }

  /** Starts it, with words for the guest's environment, and hands on every line that the guest says. */
  start(words: Readonly<Record<string, string>>, onLine: (line: string) => void): ChildProcess {
    const environment = Object.entries(words).map(([name, value]) => `${name}=${value}`)
    const argv = ['-accel', 'tcg', '-m', '512', '-nographic', '-no-reboot', '-net', 'none']
    argv.push('-kernel', String(globSync(join(this.#kernel, 'boot/vmlinuz-*'))[0]))
    argv.push('-initrd', join(this.#directory, 'initrd'))
    argv.push('-append', `console=ttyS0 quiet panic=-1 ${environment.join(' ')}`)
    argv.push('-drive', `file=${join(this.#directory, 'data.img')},if=virtio,format=raw`)
    argv.push('-drive', `file=${this.#node},if=virtio,format=raw,readonly=on`)
    const machine = spawn('qemu-system-x86_64', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    let half = ''
    machine.stdout.on('data', (data: Buffer) => {
      const lines = (half + data.toString()).split('\n')
      half = lines.pop() ?? '' // acknowledges nothing
      for (const line of lines) onLine(line.trim())
    })
    return machine
  }
}

/** Debian's kernel for virtual machines, unpacked once into the cache. */
async function unpackKernel(): Promise<string> {
  const depends = await mustRun(['apt-cache', 'depends', 'linux-image-cloud-amd64'], options)
  const name = /Depends: (linux-image-\S+)/.exec(depends.stdout)?.[1] ?? 'linux-image-cloud-amd64'
  const target = join(cacheDir(), `powercut-${name}`)
  if (existsSync(target)) return target
  const fresh = `${target}.${process.pid}`
  mkdirSync(fresh, { recursive: true })
  await mustRun(['apt-get', 'download', name], { ...options, cwd: fresh })
  await mustRun(['dpkg', '-x', String(globSync(join(fresh, '*.deb'))[0]), fresh], options)
  renameSync(fresh, target)
  return target
}

/** A disk with this very Node, which would make the initial file system slow to load. */
async function nodeDisk(): Promise<string> {
  const target = join(cacheDir(), `powercut-node-${process.version}.img`)
  if (existsSync(target)) return target
  const fresh = `${target}.${process.pid}`
  const folder = `${fresh}.d`
  mkdirSync(folder, { recursive: true })
  copyFileSync(process.execPath, join(folder, 'node'))
  await mustRun(['truncate', '--size=300M', fresh], options)
  await mustRun(['mkfs.ext4', '-q', '-O', '^has_journal', '-d', folder, fresh], options)
  rmSync(folder, { recursive: true })
  renameSync(fresh, target)
  return target
}

async function writeInitrd(directory: string, kernel: string): Promise<void> {
  const root = join(directory, 'root')
  for (const folder of ['bin', 'dev', 'proc', 'node', 'data'])
    mkdirSync(join(root, folder), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  writeFileSync(join(root, 'init'), init, { mode: 0o755 })
  for (const name of modules)
    copyFileSync(
      String(globSync(join(kernel, 'lib/modules/*/kernel/drivers', `${name}.ko`))[0]),
      join(root, `${name.replace(/.*\//, '')}.ko`)
    )
  const { stdout } = await mustRun(['ldd', process.execPath], options)
  for (const [library] of stdout.matchAll(/\/\S+/g)) {
    mkdirSync(join(root, dirname(library)), { recursive: true })
    copyFileSync(library, join(root, library))
  }
  const entryPoints = [join(import.meta.dirname, 'guest.ts')]
  const outfile = join(root, 'guest.mjs')
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' })
  const pack = 'find . | busybox cpio -o -H newc 2>/dev/null > ../initrd'
  await mustRun(['sh', '-c', pack], { ...options, cwd: root })
}
