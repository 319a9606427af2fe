import type { PlannedHost, PlannedStage } from '../../shared/api/rollout.ts'
import type { Opening } from '../../shared/window.ts'
import { openingAt } from '../../shared/window.ts'
import { checklistLook } from './checklist-look.ts'
import type { Situation } from './decide.ts'
import { edgesOf } from './edges.ts'
import type { Look } from './host-look.ts'
import { limitsOf } from './limits.ts'
import type { Open } from './open-stages.ts'
import type { Because } from './reasons.ts'
import { gatesOf } from './stage-look.ts'
import type { HostState } from './state.ts'

/** Why a host may not begin, and when time alone changes that. */
export type Judgement = { readonly because: Because | null; readonly wakeAt: number | null }

/** Judges hosts that could begin by themselves, one after the other: each that begins uses up the limits. */
export function judgeOf(situation: Situation, looks: ReadonlyMap<string, Look>, open: Open) {
  const { plan, state, seen, now } = situation
  const limits = limitsOf(plan, looks, seen)
  const edges = edgesOf(plan, looks)
  const stages = new Map(plan.stages.map((stage) => [stage.name, stage]))
  const opening = openings(now)
  const general = generalReason(situation, looks, open)
  const checklist = checklistLook(plan, looks, seen)
  return (host: PlannedHost): Judgement => {
    const stage = stages.get(host.stage)
    const later = (open.index.get(host.stage) ?? 0) - open.at
    if (general !== null) return { because: general, wakeAt: null }
    if (stage === undefined || later > 0) return { because: laterReason(open, later), wakeAt: null }
    if (stage.approval && !state.approved.has(stage.name)) {
      const what = host.planHash === null ? '' : `; ${host.name} would carry out plan ${host.planHash}`
      const text = `stage ${stage.name} has not been approved${what}`
      return {
        because: { code: 'waiting-for-approval', text, unblock: `belay rollout approve ${stage.name}` },
        wakeAt: null
      }
    }
    if (open.unanswered !== null) return { because: open.unanswered, wakeAt: null }
    const gate = gatesOf(stage, 'before', seen)
    for (const key of gate?.gates ?? []) open.gates.add(key)
    if (gate !== null && !gate.passes) return { because: gate.because, wakeAt: null }
    const evidence = checklist(stage)
    for (const key of evidence.keys) open.gates.add(key)
    if (evidence.because !== null) return { because: evidence.because, wakeAt: null }
    const window = windowReason(host, stage, opening)
    if (window.because !== null) return window
    const own = edges(host) ?? backOff(situation, host) ?? busy(situation, host)
    if (own !== null) return own
    const limit = limits.refuse(host)
    if (limit === null) limits.begin(host)
    return { because: limit, wakeAt: window.wakeAt }
  }
}

/** What keeps every host where it is. */
function generalReason(
  { state }: Situation,
  looks: ReadonlyMap<string, Look>,
  { fired }: Open
): Because | null {
  if (state.end !== null) {
    const { kind, who, why, by } = state.end
    if (kind === 'finished') return { code: kind, text: 'the rollout has ended', unblock: 'a new rollout' }
    const text = by === null ? `${who} ended it${why ? `: ${why}` : ''}` : `${by} took over`
    return {
      code: kind,
      text,
      unblock: by === null ? 'a new rollout' : `belay rollout status --rollout ${by}`
    }
  }
  const [harmed] = [...looks].filter(([, look]) => look.is === 'regressed')
  if (harmed !== undefined) {
    const [name, look] = harmed
    const text = `${name} is ${look.because?.code}: ${look.because?.text}`
    return { code: 'halted', text, unblock: look.because?.unblock ?? '' }
  }
  const alert = state.alerted?.text ?? fired.flatMap((event) => ('text' in event ? [event.text] : []))[0]
  if (alert !== undefined) {
    const unblock = 'somebody looks; then belay rollout resume, which goes on although these fire'
    return { code: 'alert-firing', text: alert, unblock }
  }
  if (state.paused === null) return null
  const { who, why } = state.paused
  return { code: 'paused', text: `${who} paused it${why ? `: ${why}` : ''}`, unblock: 'belay rollout resume' }
}

/** The next stage is told what it waits for; the ones behind it wait for a stage. */
function laterReason({ current, look }: Open, later: number): Because {
  const name = current?.name ?? ''
  if (later === 1 && look?.because !== null && look !== null) return look.because
  return { code: 'waiting-for-stage', text: `stage ${name} has not passed`, unblock: `stage ${name} passes` }
}

/** Many hosts have the same windows, which are not quick to judge. */
function openings(now: number) {
  const known = new Map<string, Opening>()
  return (windows: PlannedHost['windows']): Opening => {
    const key = JSON.stringify(windows)
    const opening = known.get(key) ?? openingAt(windows, now)
    known.set(key, opening)
    return opening
  }
}

function windowReason(
  host: PlannedHost,
  stage: PlannedStage,
  openingOf: ReturnType<typeof openings>
): Judgement {
  const both = [
    { of: `stage ${stage.name}`, opening: openingOf(stage.windows) },
    { of: host.name, opening: openingOf(host.windows) }
  ]
  const shut = both.find(({ opening }) => !opening.open)
  if (shut === undefined) {
    const closes = both.flatMap(({ opening }) => opening.changesAt ?? [])
    return { because: null, wakeAt: closes.length === 0 ? null : Math.min(...closes) }
  }
  const at = shut.opening.changesAt
  const opens = at === null ? 'a window that opens' : `time, until ${new Date(at).toISOString()}`
  const text = `the window of ${shut.of} is closed`
  return { because: { code: 'waiting-for-window', text, unblock: opens }, wakeAt: at }
}

/** Longest wait before a host that could not be asked is asked again, in milliseconds. */
export const LONGEST_BACK_OFF = 10 * 60_000

function backOff({ state, now }: Situation, host: PlannedHost): Judgement | null {
  const pause = state.hosts.get(host.name)?.backOff ?? null
  const until = Date.parse(pause?.until ?? '')
  // So far ahead it was never set: the clock was set back since.
  if (pause === null || until <= now || until > now + LONGEST_BACK_OFF) return null
  return { because: pauseReason(host, pause), wakeAt: until }
}

/** What the host itself refuses for a time is no harm: each has its own reason. */
function pauseReason(
  { name, planHash, stage }: PlannedHost,
  { code, text, until }: NonNullable<HostState['backOff']>
): Because {
  if (code.startsWith('approval-')) {
    const plan = planHash === null ? '' : `; its plan is ${planHash}`
    return {
      code: 'waiting-for-approval',
      text: `${text}${plan}`,
      unblock: `belay rollout approve ${stage} --sign`
    }
  }
  if (code === 'held') return { code, text, unblock: `belay release ${name} --reason …` }
  if (code === 'outside-window') return { code: 'waiting-for-window', text, unblock: 'a window of the host' }
  return { code: 'backing-off', text, unblock: `time, until ${until}` }
}

function busy({ seen }: Situation, host: PlannedHost): Judgement | null {
  if (seen.outside?.has(host.name)) {
    const text = 'it may reboot at this moment: it holds a reboot lock'
    return { because: { code: 'busy', text, unblock: 'it gives the lock back' }, wakeAt: null }
  }
  const other = seen.hosts.get(host.name)?.otherRunning ?? null
  if (other === null) return null
  return {
    because: { code: 'busy', text: `operation ${other} has not ended`, unblock: 'its end' },
    wakeAt: null
  }
}
