import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../../../shared/command.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { baseline } from '../../preflight/baseline.ts'
import type { Check, Finding } from '../../preflight/check.ts'
import { check, fail, pass, unknown } from '../../preflight/check.ts'
import { hold, secondWay, window } from '../../preflight/people.ts'
import { baselineSecrets, secrets } from '../../preflight/secrets.ts'
import { spaceState, spaceStore } from '../../preflight/space.ts'
import { signatures, trust } from '../../preflight/trust.ts'
import { ignoreMissing } from '../nix/generations.ts'
import { assertComplete } from '../nix/profile.ts'
import { assertJobs, assertSystem, labelsIn } from './candidate.ts'
import { effectsOf } from './irreversible.ts'
import { ACTIVATION_LABEL } from './jobs.ts'
import { isRunning } from './launchctl.ts'
import type { ConsoleUser } from './session.ts'
import { consoleUser } from './session.ts'
import { tools } from './tools.ts'

/** Where nix-darwin copies applications to. */
const NIX_APPS = '/Applications/Nix Apps'

const remedy =
  'build the system of this host with nix-darwin, and copy it here, whole: nix copy, or belay push'

async function refusalOf(assert: () => Promise<void>): Promise<Finding | null> {
  try {
    await assert()
    return null
  } catch (error) {
    if (!(error instanceof BelayError)) throw error
    return fail(error.code, describeError(error), remedy)
  }
}

const candidate = check({
  name: 'candidate',
  look: async ({ storePath, settings: { hostName }, seen: { running } }) =>
    running === null
      ? fail('path-not-valid', 'no system runs here: /run/current-system is missing', 'install nix-darwin')
      : refusalOf(async () => {
          await assertSystem(storePath, { hostName, running })
          await assertComplete(storePath)
        }),
  judge: (refusal) => refusal ?? pass('complete, and for this host and platform')
})

const agent = check({
  name: 'agent',
  look: ({ storePath }) => refusalOf(() => assertJobs(storePath)),
  judge: (refusal) => refusal ?? pass('belay-agent is one of its daemons')
})

const otherActivation = check({
  name: 'other-activation',
  look: async ({ unfinished }) => ({
    operation: unfinished,
    job: await isRunning(ACTIVATION_LABEL),
    processes: activationsIn(
      (await mustRun([tools.ps, '-axo', 'pid=,command='], { timeoutMs: 10_000 })).stdout
    )
  }),
  judge: judgeOthers
})

/** Processes that activate a system by hand: nix-darwin has no lock by which they could be told. */
export function activationsIn(list: string): readonly string[] {
  const lines = list.split('\n').map((line) => line.trim())
  return lines.filter((line) =>
    /^\d+ (\S*\/(ba)?sh )?(-\S+ )*(\/nix\/store\/[a-z0-9]{32}-darwin-system-\S*\/activate|\S*\/darwin-rebuild( |$))/.test(
      line
    )
  )
}

export function judgeOthers(seen: {
  readonly operation: string | null
  readonly job: boolean
  readonly processes: readonly string[]
}): Finding {
  const wait = 'wait until it has ended'
  if (seen.operation !== null)
    return fail(
      'operation-running',
      `operation ${seen.operation} has not ended`,
      `${wait}: belay-agent status`
    )
  if (seen.job)
    return fail(
      'operation-running',
      `an activation runs: ${ACTIVATION_LABEL}`,
      `${wait}: launchctl print system/${ACTIVATION_LABEL}`
    )
  const [process] = seen.processes
  if (process !== undefined)
    return fail('operation-running', `somebody else is switching this host: ${process}`, wait)
  return pass('nobody switches this host')
}

/** Whether an activation of either system does anything that needs a session on the screen. */
export interface SessionNeed {
  readonly user: ConsoleUser | null
  /** What needs it, in words; null where nothing does. */
  readonly need: string | null
}

/** Looks who is there, and whether anybody has to be. Of the way back as well: it goes through the other system. */
export async function sessionNeed(systems: readonly string[]): Promise<SessionNeed> {
  const needs = await Promise.all(
    systems.map(async (system) => {
      const [agents, effects] = await Promise.all([
        labelsIn(system, 'user/Library/LaunchAgents'),
        effectsOf(system)
      ])
      if (agents.length > 0) return `the user's own jobs (${agents[0]})`
      return effects.homebrew ? 'Homebrew' : null
    })
  )
  return { user: await consoleUser(), need: needs.find((need) => need !== null) ?? null }
}

const userSession = check({
  name: 'user-session',
  look: ({ storePath, seen }) =>
    sessionNeed([storePath, ...(seen.running === null || seen.running === storePath ? [] : [seen.running])]),
  judge: judgeSession
})

export function judgeSession({ user, need }: SessionNeed): Finding {
  if (need === null) return pass('nothing of it needs somebody at the screen')
  if (user?.session === true) return pass(`user ${user.uid} is logged in at the screen`)
  const found = user === null ? 'nobody is logged in at the screen' : `user ${user.uid} has no session yet`
  const text = `${found}, and ${need} would break the activation off`
  return fail(
    'no-user-session',
    text,
    'log in at the screen; an activation waits for it by preflight.userSessionSeconds'
  )
}

const appManagement = check({
  name: 'app-management',
  look: async ({ looking }) => {
    const names = await readdir(NIX_APPS).catch(ignoreMissing<string[]>([]))
    const apps = names.filter((name) => name.endsWith('.app'))
    // Whether macOS lets this process write there shows only when it does.
    const tried = looking === 'only' ? null : await Promise.all(apps.map((app) => touch(join(NIX_APPS, app))))
    return {
      apps: apps.length,
      denied: tried?.find((error) => error !== null) ?? null,
      tried: tried !== null
    }
  },
  judge: judgeApps
})

/** `denied`: what went wrong with one of them. */
export function judgeApps(seen: {
  readonly apps: number
  readonly denied: string | null
  readonly tried: boolean
}): Finding {
  if (seen.apps === 0) return pass(`no applications in ${NIX_APPS}`)
  if (!seen.tried)
    return unknown(`${seen.apps} applications; macOS tells only when one is written, before an activation`)
  if (seen.denied === null) return pass(`${seen.apps} applications can be updated`)
  const text = `macOS does not let the agent update applications: ${seen.denied}`
  return fail('apps-not-writable', text, 'give belay-agent Full Disk Access, see docs/darwin.md')
}

/** As nix-darwin's own check does it, which breaks the activation off. */
async function touch(app: string): Promise<string | null> {
  const now = new Date()
  return utimes(app, now, now).then(
    () => null,
    (error: Error) => error.message
  )
}

/** What is looked at before an activation on macOS. There is no boot loader, and nobody's session ends. */
export const darwinChecks: readonly Check[] = [
  ...[
    hold,
    window,
    candidate,
    agent,
    trust,
    signatures,
    secrets,
    otherActivation,
    userSession,
    appManagement
  ],
  ...[baseline, baselineSecrets, spaceStore, spaceState, secondWay]
]
