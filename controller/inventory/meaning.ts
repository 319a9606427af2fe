import { recipientOf } from '../../shared/secrets/age.ts'
import { isTimeZone } from '../../shared/window.ts'
import { accessProblems } from '../monitor/access-entries.ts'
import { notifyProblems } from '../notify/problems.ts'
import type { FileProblem } from './problems.ts'
import type { FleetFile, HostEntry } from './schema.ts'

/** What is wrong in a fleet file whose shape is right. */
export function meaningProblems(content: FleetFile): FileProblem[] {
  return [
    ...noHosts(content),
    ...zoneProblems(content.defaults?.windows, ['defaults']),
    ...Object.entries(content.hosts ?? {}).flatMap(([name, entry]) =>
      zoneProblems(entry.windows, ['hosts', name])
    ),
    ...(content.rollout?.stages ?? []).flatMap((stage, index) =>
      zoneProblems(stage.windows, ['rollout', 'stages', String(index)])
    ),
    ...twice(content),
    ...edgeProblems(content),
    ...budgetProblems(content),
    ...notifyProblems(content.notify),
    ...evidenceProblems(content),
    ...accessProblems(content),
    ...homeProblems(content),
    ...recipientProblems(content),
    ...cacheProblems(content)
  ]
}

function noHosts({ hosts, sources = [] }: FleetFile): FileProblem[] {
  if (hosts !== undefined || sources.length > 0) return []
  const message = 'hosts is missing, and no sources name any'
  return [{ path: ['hosts'], message, found: undefined, wanted: 'hosts, or sources' }]
}

function zoneProblems(windows: HostEntry['windows'], path: readonly string[]): FileProblem[] {
  return (windows ?? []).flatMap(({ timeZone }, index) =>
    isTimeZone(timeZone)
      ? []
      : [problem([...path, 'windows', String(index), 'timeZone'], timeZone, 'the name of a time zone')]
  )
}

/** Evidence from a Prometheus that nobody named. */
function evidenceProblems({ monitoring, defaults, hosts = {} }: FleetFile): FileProblem[] {
  const url = monitoring?.prometheus?.url
  if (url !== undefined) {
    const parsed = URL.parse(url)
    if (parsed !== null && parsed.username === '' && parsed.password === '') return []
    const path = ['monitoring', 'prometheus', 'url']
    return [problem(path, url.replace(/\/\/[^/]*@/, '//…@'), 'a URL without user and password')]
  }
  const all = [
    [['defaults'], defaults] as const,
    ...Object.entries(hosts).map(([name, host]) => [['hosts', name], host] as const)
  ]
  return all.flatMap(([path, entry]) =>
    entry?.soak?.evidence === 'prometheus'
      ? [problem([...path, 'soak', 'evidence'], 'prometheus', 'agent, or monitoring.prometheus in this file')]
      : []
  )
}

function twice({ rollout }: FleetFile): FileProblem[] {
  const names = (rollout?.stages ?? []).map((stage) => stage.name)
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [problem(['rollout', 'stages', String(index), 'name'], name, 'a name that no other stage has')]
      : []
  )
}

function edgeProblems({ rollout }: FleetFile): FileProblem[] {
  return (rollout?.order ?? []).flatMap((edge, index) => {
    const roles = edge.role !== undefined && edge.before !== undefined
    const hosts = edge.hosts !== undefined && edge.after !== undefined
    if (roles !== hosts && Object.keys(edge).length === 2) return []
    return [problem(['rollout', 'order', String(index)], edge, 'either role and before, or hosts and after')]
  })
}

function budgetProblems({ rollout }: FleetFile): FileProblem[] {
  return (rollout?.budgets ?? []).flatMap((budget, index) =>
    (budget.role === undefined) !== (budget.tag === undefined)
      ? []
      : [problem(['rollout', 'budgets', String(index)], budget, 'either role or tag')]
  )
}

function recipientProblems({ hosts = {} }: FleetFile): FileProblem[] {
  return Object.entries(hosts).flatMap(([name, { recipients = [] }]) =>
    recipients.flatMap((text, index) => {
      try {
        recipientOf(text)
        return []
      } catch (error) {
        const path = ['hosts', name, 'recipients', String(index)]
        const { found, wanted } = error as { found?: unknown; wanted?: unknown }
        return [problem(path, found, String(wanted))]
      }
    })
  )
}

/** Homes are moved where an agent can: on NixOS, and never that of root. */
function homeProblems({ hosts = {}, defaults }: FleetFile): FileProblem[] {
  return Object.entries(hosts).flatMap(([name, { homes = {}, platform = defaults?.platform }]) =>
    Object.keys(homes).flatMap((user) => {
      const path = ['hosts', name, 'homes', user]
      if (user === 'root')
        return [problem(path, user, 'another user: the home of root is a part of the system')]
      return platform === 'darwin'
        ? [problem(path, platform, 'a host of NixOS: homes of others are not moved')]
        : []
    })
  )
}

/** Nix and niks3 are pushed to by URL, the others by name. */
function cacheProblems({ caches = {} }: FleetFile): FileProblem[] {
  return Object.entries(caches).flatMap(([name, { kind = 'nix', ...cache }]) => {
    const key = kind === 'nix' ? 'url' : kind === 'niks3' ? null : 'name'
    if (key === null || cache[key] !== undefined) return []
    return [problem(['caches', name], cache, `${key}, which ${kind} needs`)]
  })
}

function problem(path: readonly string[], found: unknown, wanted: string): FileProblem {
  return { path, message: `found ${JSON.stringify(found)}, wanted ${wanted}`, found, wanted }
}
