import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import { BelayError } from '../../../shared/errors.ts'
import { didYouMean } from '../../inventory/suggest.ts'
import type { RolloutEvent } from '../../rollout/records.ts'
import { foldRecords } from '../../rollout/state.ts'
import type { HostView } from '../../rollout/views.ts'
import type { Store } from '../../store/store.ts'
import { openStore } from '../../store/store.ts'
import type { Word } from '../rollout.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import { chooseRollout } from './rollout-status.ts'
import { operatorName } from './who.ts'

/** Options of the commands with which a person says something. */
export interface SayOptions extends GlobalOptions {
  readonly rollout?: string
  readonly reason?: string
  readonly state: string
}

/** What was recorded. */
export interface Said {
  readonly rollout: string
  readonly word: Word
  readonly targets: readonly string[]
}

/** Records what a person says; whoever drives the rollout hears it within a second. */
export async function say(
  word: Word,
  target: string | undefined,
  options: SayOptions,
  { clock }: Pick<Wiring, 'clock'>
): Promise<Said> {
  using store = await openStore(options.state)
  const id = chooseRollout(store, options.rollout)
  const { end } = foldRecords(store.records(id))
  if (end !== null)
    throw new BelayError('rollout-ended', `rollout ${id} has ended: ${end.kind}`, { found: id })
  const events = eventsOf(word, target, store.plan(id), store, id)
  if (word === 'skip' && options.reason === undefined) {
    throw new BelayError('invalid-request', 'skip needs --reason: others will rely on it', {
      wanted: '--reason'
    })
  }
  const at = new Date(clock.now()).toISOString()
  store.append(id, events, { at, who: operatorName(), why: options.reason ?? null })
  const targets = events.flatMap((event) =>
    'host' in event ? [event.host] : 'stage' in event ? [event.stage] : []
  )
  return { rollout: id, word, targets }
}

function eventsOf(
  word: Word,
  target: string | undefined,
  plan: RolloutPlan,
  store: Store,
  id: string
): readonly RolloutEvent[] {
  const hosts = plan.hosts.map(({ name }) => name)
  switch (word) {
    case 'pause':
      return [{ kind: 'paused' }]
    case 'resume':
      return [{ kind: 'resumed' }]
    case 'abort':
      return [{ kind: 'aborted' }]
    case 'approve':
      return [
        {
          kind: 'approved',
          stage: known(
            target,
            plan.stages.map(({ name }) => name),
            'stage',
            id
          )
        }
      ]
    case 'skip':
      return [{ kind: 'skipped', host: known(target, hosts, 'host', id) }]
    case 'retry':
      return (target === undefined ? regressed(store, id) : [known(target, hosts, 'host', id)]).map(
        (host) => ({
          kind: 'retried',
          host,
          operation: store.observations(id).get(host)?.operation?.id ?? null,
          overDrift: foldRecords(store.records(id)).hosts.get(host)?.failed?.end === 'drifted'
        })
      )
  }
}

function regressed(store: Store, id: string): string[] {
  const views = [...store.views(id)].filter(([name]) => name.startsWith('host '))
  const hosts = views.map(([, view]) => view as HostView).filter(({ is }) => is === 'regressed')
  if (hosts.length > 0) return hosts.map(({ host }) => host)
  throw new BelayError('invalid-request', `no host of ${id} has regressed`, { wanted: 'the name of a host' })
}

function known(name: string | undefined, names: readonly string[], what: string, id: string): string {
  if (name !== undefined && names.includes(name)) return name
  const hint = didYouMean(name ?? '', names) || `. It has ${names.slice(0, 20).join(', ')}`
  throw new BelayError('invalid-request', `rollout ${id} has no ${what} ${JSON.stringify(name)}${hint}`, {
    found: name,
    wanted: names
  })
}
