import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProfileName } from '../../../shared/api/profile.ts'
import { userOf } from '../../../shared/api/profile.ts'
import { runCommand, startCommand } from '../../../shared/command.ts'
import { BelayError, codeOf } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { monotonicMs } from '../../clock.ts'
import type { Settings } from '../../config/settings.ts'
import { markOf, readMarks } from '../../operation/marks.ts'
import { operationsRoot } from '../../operation/operations.ts'
import { profilesOfOperation } from '../../operation/parts.ts'
import { readOperation } from '../../operation/store.ts'
import { homeUnit } from '../home/as-user.ts'
import { homesOf } from '../home/home-host.ts'
import { desiredPath } from '../nix/desired-path.ts'
import { ignoreMissing, readGenerations } from '../nix/generations.ts'
import type { Host, PreflightOptions } from '../platform.ts'
import { isOver, LINGER_MS, WAIT_MS } from '../runner-before.ts'
import { assertCandidate } from './candidate.ts'
import { journalOf } from './journal-of.ts'
import { placesOf } from './nixos-ports.ts'
import { observe } from './observe.ts'
import { startTransient, stateOf, stopUnit } from './systemd.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'
import { operationOf, runnerCommand, runnerUnit } from './units.ts'

/** Output lines shown of one activation; the whole is in the system's journal. */
const MAX_LINES = 5000

/** A NixOS host, as the listening half sees it. `config` is the file that the runner is to read as well. */
export function nixosHost(settings: Settings, config: string | null): Host {
  const places = placesOf(settings)
  const root = operationsRoot(settings)
  const profilesOf = async (id: string) => profilesOfOperation((await readOperation(root, id)).accepted)
  const journalctl = async (id: string) => journalOf((await profilesOf(id)).map(activationUnit), id)
  const running = async () => (await observe(places)).running
  const generations = () => readGenerations(settings.profile)
  return {
    ...{ platform: 'nixos', running, isComplete, observe: () => observe(places) },
    system: async () => readFile('/run/current-system/system', 'utf8').catch(ignoreMissing('unknown')),
    ...desiredPath(settings),
    generations: async () => {
      const [seen, links] = await Promise.all([observe(places), generations()])
      // An unreadable list costs the marks, not the generations that a person has to choose from.
      const marks = await readMarks(settings.stateDirectory).catch(() => [])
      return links.map((link) => ({
        ...link,
        current: link.number === seen.number,
        running: link.storePath === seen.running,
        knownGood: markOf(marks, link.storePath).state === 'good',
        mark: markOf(marks, link.storePath)
      }))
    },
    generation: async (number) => {
      const all = await generations()
      const found = all.find((link) => link.number === number)
      if (found && (await isComplete(found.storePath))) return { number, storePath: found.storePath }
      if (found) {
        const text = `generation ${number} is not in the store any more`
        throw new BelayError('path-not-valid', text, { found: found.storePath, at: 'generation' })
      }
      const wanted = all.map((link) => link.number)
      throw new BelayError('generation-unknown', `no generation ${number}`, {
        found: number,
        wanted,
        at: 'generation'
      })
    },
    assertCandidate: async (storePath) => {
      const runs = await running()
      if (runs === null)
        throw new BelayError('path-not-valid', 'no system runs here: /run/current-system is missing')
      await assertCandidate(parseStorePath(storePath), { hostName: settings.hostName, running: runs })
    },
    preview: async (storePath, options) => {
      const { preview } = await import('./preview.ts')
      return preview(storePath, options, { hostName: settings.hostName, places })
    },
    preflight: (storePath, options) => lookAt(settings, storePath, options),
    startRunner: async (id) => {
      const [profile = 'system'] = await profilesOf(id)
      await startRunner(runnerCommand(id, config, runnerUnit(profile)), {
        ...{ id, unit: runnerUnit(profile) },
        isOver: (other) => isOver(root, other)
      })
    },
    follow: async (id, line, signal) => {
      const reader = await startCommand([...(await journalctl(id)), '--follow'], { onStdoutLine: line })
      const end = () => void reader.kill()
      if (signal.aborted) end()
      signal.addEventListener('abort', end, { once: true })
      await reader.exited
    },
    homes: homesOf(settings),
    output: async (id) => {
      const { stdout } = await runCommand(await journalctl(id), { timeoutMs: 10_000 })
      return stdout.split('\n').filter(Boolean).slice(0, MAX_LINES)
    }
  }
}

/** The unit in which a profile is activated. */
function activationUnit(profile: ProfileName): string {
  const user = userOf(profile)
  return user === null ? `${ACTIVATION_UNIT}.service` : homeUnit(user)
}
const isComplete = async (storePath: string) =>
  (await lstat(join(storePath, 'bin/switch-to-configuration')).catch(ignoreMissing(null))) !== null

/** Every check, with nothing changed. */
async function lookAt(settings: Settings, storePath: string, options: PreflightOptions) {
  const [{ runPreflight }, { nixosChecks }] = await Promise.all([
    import('../../preflight/run.ts'),
    import('./preflight.ts')
  ])
  return runPreflight(nixosChecks, {
    storePath: parseStorePath(storePath),
    settings,
    seen: await observe(placesOf(settings)),
    nowMs: Date.now(),
    looking: 'only',
    outsideWindow: null,
    ...options
  })
}

interface RunnerStart {
  readonly id: string
  readonly unit: string
  /** Whether another operation has ended, for certain. */
  readonly isOver: (id: string) => Promise<boolean>
}

/** An earlier runner that is just going may hold the name a little longer than its operation lasts. */
async function startRunner(argv: readonly string[], { id, unit, isOver }: RunnerStart): Promise<void> {
  const began = monotonicMs()
  for (;;) {
    try {
      return await startTransient(argv, unit)
    } catch (error) {
      const { description, running, waitsForRestart } = await stateOf(unit)
      // It runs already, or died at once and will be started again.
      if (running && description.endsWith(id)) return
      const waitedMs = monotonicMs() - began
      if (codeOf(error) !== 'operation-running' || waitedMs > WAIT_MS) throw error
      // Of another operation, and failing over and over: that one has ended, or cannot be read.
      const other = operationOf(description)
      const lingers = async () => waitedMs > LINGER_MS && other !== null && isOver(other)
      if (waitsForRestart || (await lingers())) await stopUnit(unit)
      await delay(100)
    }
  }
}
