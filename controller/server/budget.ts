import type { HostSummary } from '../../shared/api/controller.ts'
import { BelayError } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { RolloutPolicy } from '../inventory/rollout-schema.ts'
import type { HostView } from '../rollout/views.ts'
import type { RebootLock } from '../store/controller-store.ts'

/** What is looked at before a reboot is granted. */
export interface Availability {
  readonly hosts: ReadonlyMap<string, FleetHost>
  readonly policy: RolloutPolicy
  readonly locks: readonly RebootLock[]
  /** Hosts of the rollout under way, as the last round left them. */
  readonly views: readonly HostView[]
  readonly summaries: ReadonlyMap<string, HostSummary>
}

/** A host, and the group that its client names; `default` where it has none. */
export interface LockRequest {
  readonly host: string
  readonly group: string
}

/**
 * Why a host may not reboot now; null when it may. It counts in the budgets that rollouts keep, by its roles and tags;
 * where none counts it, one of its group at a time. Throws `host-unknown`, and `invalid-request` for a wrong group.
 */
export function refuseReboot({ host, group }: LockRequest, seen: Availability): BelayError | null {
  const entry = seen.hosts.get(host)
  if (entry === undefined) {
    throw new BelayError('host-unknown', `no host ${JSON.stringify(host)} in the fleet; id is its name`, {
      found: host
    })
  }
  if (group !== 'default' && !entry.roles.includes(group) && !entry.tags.includes(group)) {
    const wanted = ['default', ...entry.roles, ...entry.tags]
    throw new BelayError('invalid-request', `${host} has neither role nor tag ${JSON.stringify(group)}`, {
      found: group,
      wanted
    })
  }
  const held = seen.locks.find((lock) => lock.host === host)
  if (held !== undefined) return null
  const moving = seen.views.find((view) => view.host === host && view.is === 'moving')
  if (moving !== undefined) return notNow(`a rollout is at work on ${host}`)
  const down = unavailable(seen)
  const budgets = (seen.policy.budgets ?? []).filter(({ role, tag }) => counts(entry, role, tag))
  for (const { role, tag, maxUnavailable } of budgets) {
    const used = [...down].filter((name) => name !== host && has(seen, name, role, tag))
    if (used.length >= maxUnavailable) return full(`${role ?? tag}`, used, maxUnavailable)
  }
  if (budgets.length > 0) return null
  const others = seen.locks.filter((lock) => lock.group === group).map((lock) => lock.host)
  return others.length > 0 ? full(`group ${group}`, others, 1) : null
}

/** Hosts that are under way, down although they should answer, or rebooting. */
function unavailable({ hosts, locks, views, summaries }: Availability): ReadonlySet<string> {
  const down = [...summaries.values()].filter(
    ({ answers, presence }) => answers === false && presence === 'always'
  )
  return new Set(
    [
      ...locks.map(({ host }) => host),
      ...views.filter(({ is }) => is === 'moving').map(({ host }) => host),
      ...down.map(({ host }) => host)
    ].filter((name) => hosts.has(name))
  )
}

const counts = ({ roles, tags }: FleetHost, role: string | undefined, tag: string | undefined) =>
  (role !== undefined && roles.includes(role)) || (tag !== undefined && tags.includes(tag))

function has({ hosts }: Availability, name: string, role: string | undefined, tag: string | undefined) {
  const host = hosts.get(name)
  return host !== undefined && counts(host, role, tag)
}

function full(of: string, used: readonly string[], most: number): BelayError {
  return notNow(`${used.length} of ${most} with ${of} are away already: ${used.slice(0, 5).join(', ')}`)
}

function notNow(text: string): BelayError {
  return new BelayError('reboot-not-now', text, { wanted: 'another attempt later' })
}
