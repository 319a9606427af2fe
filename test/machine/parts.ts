import { copyFileSync, existsSync, globSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { build } from 'esbuild'
import { mustRun, runCommand } from '../../shared/command.ts'
import { cacheDir } from '../fleet/root.ts'

const options = { timeoutMs: 10 * 60_000, env: { DEBIAN_FRONTEND: 'noninteractive' } }
const diskDrivers = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci',
  'drivers/block/virtio_blk'
]

/** Why no virtual machine can be made here; undefined when it can. */
export function machineUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64'
  if (process.getuid?.() !== 0) return 'needs root, to install qemu and unpack a kernel'
  return undefined
}

/** Installs Debian packages where one of them is missing. */
export async function installPackages(names: readonly string[]): Promise<void> {
  const { code } = await runCommand(['dpkg-query', '--show', ...names], options)
  if (code !== 0) await mustRun(['apt-get', 'install', '-y', '--no-install-recommends', ...names], options)
}

/** Debian packages that are not installed but unpacked, once, into a directory of the cache. */
export async function unpackPackages(...names: readonly string[]): Promise<string> {
  const format = ['apt-cache', 'show', '--no-all-versions', ...names]
  const versions = [...(await mustRun(format, options)).stdout.matchAll(/^Version: (\S+)$/gm)]
  const target = join(cacheDir(), `unpacked-${names[0]}-${versions.map(([, version]) => version).join('-')}`)
  if (existsSync(target)) return target
  const fresh = `${target}.${process.pid}`
  mkdirSync(fresh, { recursive: true })
  await mustRun(['apt-get', 'download', ...names], { ...options, cwd: fresh })
  for (const name of globSync(join(fresh, '*.deb'))) {
    await mustRun(['dpkg', '-x', name, fresh], options)
    rmSync(name)
  }
  // Somebody else may have been faster.
  if (existsSync(target)) rmSync(fresh, { recursive: true })
  else renameSync(fresh, target)
  return target
}

/** Debian's kernel for virtual machines: where it is unpacked, with its modules, and its image. */
export async function kernelParts(): Promise<{ readonly directory: string; readonly image: string }> {
  const depends = await mustRun(['apt-cache', 'depends', 'linux-image-cloud-amd64'], options)
  const name = /Depends: (linux-image-\S+)/.exec(depends.stdout)?.[1] ?? 'linux-image-cloud-amd64'
  const directory = await unpackPackages(name)
  return { directory, image: String(globSync(join(directory, 'boot/vmlinuz-*'))[0]) }
}

/** A disk with this very Node, which would make the initial file system slow to load. */
export async function nodeDisk(): Promise<string> {
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

/** An empty disk with ext4. */
export async function emptyDisk(file: string, size: string): Promise<void> {
  await mustRun(['truncate', `--size=${size}`, file], options)
  await mustRun(['mkfs.ext4', '-q', file], options)
}

/** What an initial file system is made of. */
export interface Initrd {
  /** Directory for it and what it is made from; the result is its `initrd`. */
  readonly directory: string
  readonly kernel: string
  /** The program that is its only process. */
  readonly guest: string
  /** Modules besides those of disks, as paths below `kernel/`, in the order of loading. */
  readonly modules?: readonly string[]
  /** Shell commands before the program starts, with busybox. */
  readonly mounts: readonly string[]
  /** More programs to have in `/bin`, with all libraries they need. */
  readonly programs?: readonly string[]
  /** More files, by where they are put. */
  readonly files?: Readonly<Record<string, string>>
}

/** Packs the file system whose only process is a program on Node. */
export async function writeInitrd(initrd: Initrd): Promise<string> {
  const root = join(initrd.directory, 'root')
  const modules = [...diskDrivers, ...(initrd.modules ?? [])]
  for (const folder of ['bin', 'dev', 'proc', 'sys', 'node', 'data', 'boot'])
    mkdirSync(join(root, folder), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  for (const name of modules) {
    const [file] = globSync(join(initrd.kernel, 'lib/modules/*/kernel', `${name}.ko`))
    copyFileSync(String(file), join(root, `${basename(name)}.ko`))
  }
  writeFileSync(join(root, 'init'), initScript(modules, initrd.mounts), { mode: 0o755 })
  for (const program of [process.execPath, ...(initrd.programs ?? [])]) await copyLibraries(program, root)
  for (const program of initrd.programs ?? []) copyFileSync(program, join(root, 'bin', basename(program)))
  for (const [to, from] of Object.entries(initrd.files ?? {})) copyFileSync(from, join(root, to))
  const outfile = join(root, 'guest.mjs')
  const bundle = { bundle: true, platform: 'node', format: 'esm', logLevel: 'error' } as const
  await build({ entryPoints: [initrd.guest], outfile, banner: { js: requireBanner }, ...bundle })
  const pack = 'find . | busybox cpio -o -H newc 2>/dev/null > ../initrd'
  await mustRun(['sh', '-c', pack], { ...options, cwd: root })
  return join(initrd.directory, 'initrd')
}

/** What is not a module of ECMAScript in the bundle asks for Node's own modules so. */
const requireBanner =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

const initScript = (modules: readonly string[], mounts: readonly string[]) => `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in ${modules.map((name) => basename(name)).join(' ')}; do insmod /$module.ko; done
mount -t ext4 -o ro,noload /dev/vdb /node
mount -t ext4 /dev/vda /data
${mounts.join('\n')}
exec /node/node /guest.mjs
`

/** Every library that a program is linked with, at the path where it looks for it. */
async function copyLibraries(program: string, root: string): Promise<void> {
  const { stdout } = await mustRun(['ldd', program], options)
  for (const [library] of stdout.matchAll(/\/\S+/g)) {
    mkdirSync(join(root, dirname(library)), { recursive: true })
    copyFileSync(library, join(root, library))
  }
}

/** Hands on every line that ends in a line feed. Half a line acknowledges nothing. */
export function linesOf(output: Readable, onLine: (line: string) => void): void {
  let half = ''
  output.on('data', (data: Buffer) => {
    const lines = (half + data.toString()).split('\n')
    half = lines.pop() ?? ''
    for (const line of lines) onLine(line.trim())
  })
}
