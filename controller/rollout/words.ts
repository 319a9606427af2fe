import type { RolloutPlan } from '../../shared/api/rollout.ts'
import { BelayError } from '../../shared/errors.ts'
import { didYouMean } from '../inventory/suggest.ts'
import type { Author, Store } from '../store/store.ts'
import type { RolloutEvent } from './records.ts'
import { foldRecords } from './state.ts'
import type { HostView } from './views.ts'

/** What a person can say to a rollout. */
export const words = ['pause', 'resume', 'approve', 'skip', 'retry', 'abort'] as const
export type Word = (typeof words)[number]

/** What was recorded. */
export interface Said {
  readonly rollout: string
  readonly word: Word
  readonly targets: readonly string[]
}

/** Records what a person says about a rollout; whoever drives it hears it within a second. */
export function sayTo(
  store: Store,
  id: string,
  said: { readonly word: Word; readonly target: string | undefined; readonly author: Author }
): Said {
  const { word, target, author } = said
  const records = store.records(id)
  const { end } = foldRecords(records)
  if (end !== null)
    throw new BelayError('rollout-ended', `rollout ${id} has ended: ${end.kind}`, { found: id })
  const events = eventsOf(word, target, store.plan(id), store, id)
  if (word === 'skip' && author.why === null) {
    throw new BelayError('invalid-request', 'skip needs --reason: others will rely on it', {
      wanted: '--reason'
    })
  }
  // What was recorded meanwhile may have ended it, or be what the word is about: then it is judged again.
  if (!store.append(id, events, author, records.at(-1)?.seq ?? 0)) return sayTo(store, id, said)
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
          ...stageOf(
            known(
              target,
              plan.stages.map(({ name }) => name),
              'stage',
              id
            ),
            plan
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

/** Its hosts may have waited for a signature. */
const stageOf = (stage: string, { hosts }: RolloutPlan) => ({
  stage,
  hosts: hosts.flatMap((host) => (host.stage === stage ? [host.name] : []))
})

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
