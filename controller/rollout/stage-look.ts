import type { PlannedHost, PlannedStage } from '../../shared/api/rollout.ts'
import type { Look } from './host-look.ts'
import type { Observations } from './observation.ts'
import { gateKey } from './observation.ts'
import type { Because } from './reasons.ts'

/** Whether a stage has passed; if not, what it waits for. */
export interface StageLook {
  readonly passes: boolean
  readonly because: Because | null
  /** Gates whose result was asked for. */
  readonly gates: readonly string[]
  /** When time alone may change this, milliseconds since 1970. */
  readonly wakeAt: number | null
}

interface Member {
  readonly host: PlannedHost
  readonly look: Look
}

/** Judges whether the next stage may begin: hosts, then soak, then verdict, then gates. */
export function lookAtStage(
  stage: PlannedStage,
  members: readonly Member[],
  seen: Observations,
  now: number
): StageLook {
  const blocking = members.find((member) => blocks(stage, member))
  if (blocking !== undefined) return waits(waitingFor(stage, blocking, members))
  const done = members.filter(({ look }) => look.is === 'done')
  if (done.length === 0 && !members.some(({ look }) => look.is === 'skipped')) {
    const text = `no host of stage ${stage.name} runs the new generation, so nothing is proven`
    return waits({
      code: 'waiting-for-stage',
      text,
      unblock: `a host of ${stage.name} comes back, or is skipped`
    })
  }
  return soaks(stage, done, now) ?? verdicts(stage, done, seen) ?? gatesOf(stage, 'after', seen) ?? passed
}

const passed: StageLook = { passes: true, because: null, gates: [], wakeAt: null }

function waits(because: Because, wakeAt: number | null = null, gates: readonly string[] = []): StageLook {
  return { passes: false, because, gates, wakeAt }
}

function blocks(stage: PlannedStage, { look }: Member): boolean {
  if (look.is === 'done' || look.is === 'skipped') return false
  if (look.is !== 'absent') return true
  if (look.because?.code === 'held') return false
  return look.because?.code !== 'away' || stage.away === 'wait'
}

function waitingFor(stage: PlannedStage, { host, look }: Member, members: readonly Member[]): Because {
  const done = members.filter((member) => member.look.is === 'done').length
  const state =
    look.is === 'ready' || look.is === 'moving' ? 'not there yet' : (look.because?.code ?? look.is)
  const text = `stage ${stage.name} has ${done} of ${members.length} hosts; ${host.name} is ${state}`
  return {
    code: 'waiting-for-stage',
    text,
    unblock: look.because?.unblock ?? `${host.name} runs the generation`
  }
}

function soaks(stage: PlannedStage, done: readonly Member[], now: number): StageLook | null {
  let last: { readonly host: PlannedHost; readonly until: number } | null = null
  for (const { host, look } of done) {
    if (look.soak === null) continue
    const { untilMs } = look.soak
    if (untilMs === null) return waits(soakPauses(stage, host))
    if (untilMs > now && (last === null || untilMs > last.until)) last = { host, until: untilMs }
  }
  if (last === null) return null
  const until = new Date(last.until).toISOString()
  const text = `stage ${stage.name} is watched until ${until}, ${last.host.name} longest`
  return waits({ code: 'waiting-for-soak', text, unblock: `time, until ${until}` }, last.until)
}

/** What is away is not watched. */
function soakPauses(stage: PlannedStage, { name }: PlannedHost): Because {
  const text = `stage ${stage.name} is watched, and ${name} is away: its soak stands`
  return { code: 'waiting-for-soak', text, unblock: `its return, or belay rollout skip ${name} --reason …` }
}

function verdicts(stage: PlannedStage, done: readonly Member[], seen: Observations): StageLook | null {
  if (stage.verdict === 'none') return null
  const enough = (verdict: string | null) =>
    verdict === 'go' || (verdict === 'conditional-go' && stage.verdict === 'conditional-go')
  const missing = done.find(({ host }) => !enough(seen.hosts.get(host.name)?.verdict ?? null))
  if (missing === undefined) return null
  const found = seen.hosts.get(missing.host.name)?.verdict ?? 'no verdict'
  const text = `stage ${stage.name} needs ${stage.verdict} of every host; ${missing.host.name} has ${found}`
  return waits({ code: 'waiting-for-verdict', text, unblock: `the verdict on ${missing.host.name}` })
}

/** The first gate that is not open, with all gates that are to be looked at; null when all are open. */
export function gatesOf(stage: PlannedStage, when: 'before' | 'after', seen: Observations): StageLook | null {
  const gates = when === 'before' ? stage.gatesBefore : stage.gatesAfter
  if (gates.length === 0) return null
  const keys = gates.map(({ name }) => gateKey(stage.name, when, name))
  const index = keys.findIndex((key) => seen.gates.get(key)?.open !== true)
  if (index === -1) return { passes: true, because: null, gates: keys, wakeAt: null }
  const name = gates[index]?.name ?? ''
  const message = seen.gates.get(keys[index] ?? '')?.message ?? 'not looked at yet'
  const text = `gate ${name} ${when} stage ${stage.name}: ${message}`
  return waits({ code: 'gate-failing', text, unblock: `gate ${name} opens` }, null, keys)
}
