import { lstat, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { durableWrite } from '../../../shared/durable-write.ts'
import { BelayError, codeOf } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { monotonicMs } from '../../clock.ts'
import type { Settings } from '../../config/settings.ts'
import { markOf, readMarks } from '../../operation/marks.ts'
import { operationsRoot } from '../../operation/operations.ts'
import { operationDirectory } from '../../operation/store.ts'
import { desiredPath } from '../nix/desired-path.ts'
import { ignoreMissing, readGenerations } from '../nix/generations.ts'
import type { Host, PreflightOptions } from '../platform.ts'
import { isOver, LINGER_MS, WAIT_MS } from '../runner-before.ts'
import { assertCandidate } from './candidate.ts'
import { RUNNER_LABEL, runnerJob } from './jobs.ts'
import { bootout, bootstrap, jobState } from './launchctl.ts'
import { CURRENT_SYSTEM, observe } from './observe.ts'
import { followOutput, readOutput } from './output.ts'
import { writePlist } from './plist.ts'

/** A Mac, as the listening half sees it. */
export function darwinHost(settings: Settings, config: string | null): Host {
  const seen = () => observe(settings.profile)
  const generations = () => readGenerations(settings.profile)
  const directoryOf = (id: string) => operationDirectory(operationsRoot(settings), id)
  const isComplete = async (storePath: string) =>
    (await lstat(join(storePath, 'activate')).catch(ignoreMissing(null))) !== null
  const runs = async () => {
    const { running } = await seen()
    if (running !== null) return running
    throw new BelayError('path-not-valid', `no system runs here: ${CURRENT_SYSTEM} is missing`)
  }
  return {
    platform: 'darwin',
    observe: seen,
    running: async () => (await seen()).running,
    system: async () =>
      (await readFile(join(CURRENT_SYSTEM, 'system'), 'utf8').catch(ignoreMissing('unknown'))).trim(),
    isComplete,
    ...desiredPath(settings),
    generations: async () => {
      const [{ number, running }, links] = await Promise.all([seen(), generations()])
      // An unreadable list costs the marks, not the generations that a person has to choose from.
      const marks = await readMarks(settings.stateDirectory).catch(() => [])
      return links.map((link) => {
        const mark = markOf(marks, link.storePath)
        const is = { current: link.number === number, running: link.storePath === running }
        return { ...link, ...is, knownGood: mark.state === 'good', mark }
      })
    },
    generation: async (number) => {
      const all = await generations()
      const found = all.find((link) => link.number === number)
      const at = 'generation'
      if (found && (await isComplete(found.storePath))) return { number, storePath: found.storePath }
      if (found) {
        const text = `generation ${number} is not in the store any more`
        throw new BelayError('path-not-valid', text, { found: found.storePath, at })
      }
      const wanted = all.map((link) => link.number)
      throw new BelayError('generation-unknown', `no generation ${number}`, { found: number, wanted, at })
    },
    assertCandidate: async (storePath) => {
      const running = await runs()
      await assertCandidate(parseStorePath(storePath), { hostName: settings.hostName, running })
    },
    preview: async (storePath, options) => {
      const { preview } = await import('./preview.ts')
      return preview(storePath, options, { hostName: settings.hostName, from: await runs() })
    },
    preflight: (storePath, options) => lookAt(settings, storePath, options),
    startRunner: (id) => startRunner(id, directoryOf(id), config),
    follow: (id, line, signal) => followOutput(directoryOf(id), line, signal),
    output: (id) => readOutput(directoryOf(id))
  }
}

/** Every check, with nothing changed. */
async function lookAt(settings: Settings, storePath: string, options: PreflightOptions) {
  const [{ runPreflight }, { darwinChecks }] = await Promise.all([
    import('../../preflight/run.ts'),
    import('./preflight.ts')
  ])
  return runPreflight(darwinChecks, {
    storePath: parseStorePath(storePath),
    settings,
    seen: await observe(settings.profile),
    nowMs: Date.now(),
    looking: 'only',
    outsideWindow: null,
    ...options
  })
}

/** An earlier runner that is just going may hold the label a little longer than its operation lasts. */
async function startRunner(id: string, directory: string, config: string | null): Promise<void> {
  const plist = join(directory, 'runner.plist')
  const began = monotonicMs()
  for (;;) {
    const job = await jobState(RUNNER_LABEL)
    const waitedMs = monotonicMs() - began
    // It runs already, or has died and will be started again; one that launchd leaves alone is started anew.
    const other = basename(dirname(job?.path ?? ''))
    const lingers = waitedMs > LINGER_MS && other !== id && (await isOver(dirname(directory), other))
    const ended = lingers || (job?.state === 'not running' && job.runs !== 0)
    // Of macOS /var is a link: it may tell the path by its other name.
    if (job?.path?.endsWith(plist) && !ended) return
    try {
      if (ended) await bootout(RUNNER_LABEL)
      await durableWrite(plist, writePlist(runnerJob(id, directory, config)), 0o644)
      return await bootstrap(RUNNER_LABEL, plist)
    } catch (error) {
      if (codeOf(error) !== 'operation-running' || waitedMs > WAIT_MS) throw error
      await delay(100)
    }
  }
}
