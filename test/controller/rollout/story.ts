import type { Decision } from '../../../controller/rollout/decide.ts'
import type { HostView } from '../../../controller/rollout/views.ts'
import type { SimRollout } from './play.ts'
import { planOf, rolloutOn } from './play.ts'
import type { SimWorld } from './world.ts'
import { simWorld } from './world.ts'

/** What happens in a story besides the rollout itself. */
export interface Happening {
  /** `day HH:MM`, the first day is 1. */
  readonly at: string
  readonly text: string
  readonly do: (world: SimWorld, rollout: SimRollout, story: Telling) => void
}

/** What a happening may do to the story as a whole. */
export interface Telling {
  /** Goes on with another rollout. */
  next(rollout: SimRollout): void
}

/** A story: a fleet, how its hosts are, and what happens. */
export interface Story {
  readonly title: string
  readonly about: string
  readonly fleet: string
  readonly hosts?: (world: SimWorld) => void
  readonly happenings?: readonly Happening[]
  readonly until: string
}

/** Midnight before the first day, a Monday. */
export const midnight = Date.parse('2026-03-02T00:00:00Z')
const MINUTE = 60_000

const timeOf = (at: string) => {
  const [day = '1', time = '00:00'] = at.split(' ')
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return midnight + ((Number(day) - 1) * 1440 + hours * 60 + minutes) * MINUTE
}
const label = (now: number) => {
  const day = Math.floor((now - midnight) / (1440 * MINUTE)) + 1
  return `${day} ${new Date(now).toISOString().slice(11, 16)}`
}

function textOf({ is, attempt, reason }: HostView): string {
  if (reason !== null) return `${reason.code} (${reason.text}) → ${reason.unblock}`
  return is === 'moving' ? `changed now${attempt > 1 ? `, attempt ${attempt}` : ''}` : is
}

/** Tells the story, minute by minute; what does not change is not told again. */
export function tell(story: Story): string {
  const first = timeOf('1 09:00')
  const world = simWorld(first)
  story.hosts?.(world)
  let rollout = rolloutOn(world, planOf(story.fleet, first))
  const lines: string[] = [
    story.title,
    '='.repeat(story.title.length),
    '',
    story.about.trim(),
    '',
    'The fleet file:',
    ''
  ]
  lines.push(
    ...story.fleet
      .trim()
      .split('\n')
      .map((line) => `    ${line}`.trimEnd()),
    '',
    'What happens (day and time in UTC):',
    ''
  )
  let last = new Map<string, HostView>()
  let stages = ''
  let status = ''
  const say = (text: string) => lines.push(`${label(world.now())}  ${text}`)
  const told = (decision: Decision) => {
    for (const event of decision.learned) {
      if (event.kind === 'stage-passed') say(`── stage ${event.stage} has passed`)
      if (event.kind === 'drifted') say(`${event.host}: does not run the generation any more`)
    }
    const waits = decision.stages.find(({ is }) => is === 'open')
    const stage = waits?.because ? `stage ${waits.name} waits: ${waits.because.text}` : ''
    // Hosts of which the same is to be told stand in one line.
    const news = new Map<string, string[]>()
    for (const view of decision.hosts) {
      const before = last.get(view.host)
      if (before?.is === view.is && before.reason?.code === view.reason?.code) continue
      const text = textOf(view)
      news.set(text, [...(news.get(text) ?? []), view.host])
    }
    for (const [text, names] of news) say(`${names.join(', ')}: ${text}`)
    const now = `${decision.status.is}${decision.status.needs === null ? '' : `, needs ${decision.status.needs}`}`
    if (stage !== stages && stage.includes('watched')) say(`── ${stage}`)
    if (now !== status) say(`══ the rollout is ${now}`)
    last = new Map(decision.hosts.map((view) => [view.host, view]))
    stages = stage
    status = now
  }
  const happenings = [...(story.happenings ?? [])]
  const end = timeOf(story.until)
  for (let now = first; now <= end; now += MINUTE) {
    world.to(now)
    while (happenings[0] !== undefined && timeOf(happenings[0].at) <= now) {
      const happening = happenings.shift()
      say(`   *** ${happening?.text}`)
      happening?.do(world, rollout, {
        next: (other) => {
          rollout.settle(told)
          say(`   *** from here on rollout ${other.plan.id}, revision ${other.plan.revision}`)
          rollout = other
          last = new Map()
        }
      })
    }
    rollout.settle(told)
  }
  const counts = Map.groupBy(world.activations, ({ host }) => host)
  lines.push('', 'How often each host was changed:', '')
  for (const { name } of rollout.plan.hosts) lines.push(`    ${name}: ${counts.get(name)?.length ?? 0}`)
  return `${lines
    .join('\n')
    .replaceAll(/r-[0-9a-f]{12}/g, 'r-…')
    .replaceAll(':00.000Z', 'Z')}\n`
}
