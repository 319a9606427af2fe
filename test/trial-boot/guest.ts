import { writeSync } from 'node:fs'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseSettings } from '../../agent/config/settings.ts'
import type { Baseline } from '../../agent/operation/events.ts'
import { readGenerations } from '../../agent/platform/nix/generations.ts'
import { bootLoaderOf } from '../../agent/platform/nixos/boot-loader/boot-loader.ts'
import { trialBoot } from '../../agent/platform/nixos/trial-boot.ts'
import { mustRun } from '../../shared/command.ts'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { Generation } from './entries.ts'
import { entryOf, loaderConf, systems } from './entries.ts'

/*
 * Runs as the only process of a virtual machine with UEFI: says what has booted, then does what it is told on the
 * console, a word a line, by the agent's own code. Every answer is a line of JSON behind `belay`.
 */

const efiVariables = '/sys/firmware/efi/efivars'
const ofBootLoader = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'
const stateDirectory = '/data/belay'
const directory = join(stateDirectory, 'operations/trial')
const settings = parseSettings(JSON.stringify({ stateDirectory, profile: '/data/profiles/system' }), 'guest')
const timeoutMs = 60_000
const run = (...argv: readonly string[]) => mustRun(argv, { timeoutMs })
const say = (answer: object) => writeSync(1, `\nbelay ${JSON.stringify(answer)}\n`)
const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()

/** A variable of the boot loader: four bytes of attributes, then UTF-16 that ends with a zero. Null where there is none. */
async function variable(name: string): Promise<string | null> {
  const bytes = await readFile(`${efiVariables}/${name}-${ofBootLoader}`).catch(() => null)
  return bytes === null ? null : bytes.subarray(4).toString('utf16le').replace(/\0$/, '')
}

/** What has booted and what boots next, by the firmware's variables and by the agent's own reading. */
async function look() {
  const loader = await bootLoaderOf(settings.bootDirectory)
  return {
    bootId,
    selected: await variable('LoaderEntrySelected'),
    once: await variable('LoaderEntryOneShot'),
    system: /\binit=(\S+)\/init\b/.exec(await readFile('/proc/cmdline', 'utf8'))?.[1] ?? null,
    bootDefault: (await loader?.bootDefault()) ?? null,
    entries: (await readdir('/boot/loader/entries')).sort()
  }
}

/** What `switch-to-configuration boot` does for systemd-boot: an entry for each generation, and which is the default. */
async function installBoot(toplevel: string): Promise<void> {
  const loader = await bootLoaderOf(settings.bootDirectory)
  for (const generation of await readGenerations(settings.profile)) {
    const { name, text } = entryOf(generation.number as Generation)
    if (!(await loader?.hasEntry(generation.storePath)))
      await writeFile(join('/boot/loader/entries', name), text, { flush: true })
    if (generation.storePath === toplevel)
      await writeFile('/boot/loader/loader.conf', loaderConf(generation.number as Generation), {
        flush: true
      })
  }
  await run('sync')
}

const first = { number: 1, storePath: systems[1] }
const baseline: Baseline = { type: 'baseline', generation: first, profile: first, failedUnits: [] }
const { ports } = trialBoot({ directory, settings, bootId, installBoot })

const orders: Readonly<Record<string, () => Promise<unknown>>> = {
  'stage-2': () => ports.stage(baseline, systems[2]),
  'stage-3': () => ports.stage(baseline, systems[3]),
  unstage: ports.unstage,
  'no-variables': () => run('mount', '-o', 'remount,ro', efiVariables),
  // No answer comes to these.
  reboot: () => run('reboot', '-f'),
  panic: () => writeFile('/proc/sysrq-trigger', 'c')
}

await mkdir('/data/profiles', { recursive: true })
await mkdir(directory, { recursive: true })
if ((await readGenerations(settings.profile)).length === 0) {
  await symlink(systems[1], '/data/profiles/system-1-link')
  await symlink('system-1-link', settings.profile)
}
say({ booted: true, ...(await look()) })
for await (const word of createInterface({ input: process.stdin })) {
  const order = orders[word.trim()]
  if (!order) continue // an echo, or noise of the console
  const answer = await order().then(
    async () => ({ did: word.trim(), ...(await look()) }),
    async (error: unknown) => ({
      did: word.trim(),
      code: error instanceof BelayError ? error.code : null,
      message: describeError(error),
      ...(await look())
    })
  )
  say(answer)
}
