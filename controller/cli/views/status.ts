import type { DriftKind } from '../../../shared/api/drift.ts'
import { driftTexts } from '../../../shared/api/drift.ts'
import type { Hold } from '../../../shared/api/hold.ts'
import { clean } from '../../../shared/clean.ts'
import type { HomeStatus, HostStatus, LastOperation } from '../../monitor/fleet-status.ts'
import type { Cell, Paint } from './text.ts'
import { cut, duration, firstLine, shortPath, table } from './text.ts'

/** The fleet as a table, unreachable hosts with their reason below it. */
export function statusView(hosts: readonly HostStatus[], nowMs: number, paint: Paint): string {
  const heading = ['HOST', 'REACHABLE', 'GEN', 'RUNNING', 'DRIFT', 'LAST OPERATION', 'AGENT']
  const body = table(
    heading,
    hosts.flatMap((host) => [row(host, nowMs), ...host.homes.map((home) => homeRow(home, nowMs))]),
    paint
  )
  const reasons = hosts
    .filter((host) => host.error !== null)
    .map((host) => `${paint('red', host.host)}: ${firstLine(host.error?.message ?? '')}\n`)
  const drifted = hosts.flatMap(({ host, drifts }) =>
    drifts.map(({ kind, found, wanted }) => `${paint('yellow', host)}: ${driftLine(kind, found, wanted)}\n`)
  )
  const held = hosts.flatMap(({ host, hold }) =>
    hold === null ? [] : [`${paint('yellow', `${host} is on hold`)} ${holdLine(hold)}\n`]
  )
  const ended = hosts.flatMap(({ host, lastOperation }) => whyLines(paint('yellow', host), lastOperation))
  const homes = hosts.flatMap((host) => host.homes.flatMap((home) => homeLines(host.host, home, paint)))
  const below = [...held, ...reasons, ...drifted, ...ended, ...homes]
  return `${body}${below.length > 0 ? '\n' : ''}${below.join('')}`
}

const holdLine = ({ at, principal, reason }: Hold) => firstLine(`since ${at} by ${principal}: ${reason}`)

/** An agent of tomorrow may name a kind that is not known here. */
function driftLine(kind: string, found: string | null, wanted: string | null): string {
  const text = Object.hasOwn(driftTexts, kind) ? driftTexts[kind as DriftKind] : kind
  const short = (path: string | null) => (path === null ? '-' : shortPath(path))
  return firstLine(`${text}: ${short(found)}, wanted ${short(wanted)}`)
}

/** Ends that a person asks the reason of. */
const unwanted: ReadonlySet<string> = new Set(['rolling-back', 'rolled-back', 'stuck', 'refused'])

/** Why the last operation did not end as asked. */
function whyLines(name: string, last: LastOperation | null): string[] {
  if (last === null || last.reason === null || !unwanted.has(last.phase)) return []
  return [`${name}: ${last.phase}: ${firstLine(last.reason)}\n`]
}

/** What is to be said of a home besides its row. */
function homeLines(
  host: string,
  { user, problem, hold, drifts, lastOperation }: HomeStatus,
  paint: Paint
): string[] {
  const name = paint('yellow', clean(`${user}@${host}`))
  return [
    ...(hold === null ? [] : [`${name} ${paint('yellow', 'is on hold')} ${holdLine(hold)}\n`]),
    ...(problem === null ? [] : [`${name}: ${firstLine(problem)}\n`]),
    ...drifts.map(({ kind, found, wanted }) => `${name}: ${driftLine(kind, found, wanted)}\n`),
    ...whyLines(name, lastOperation)
  ]
}

/** A home stands below its host; it is reached where that is. */
function homeRow(
  { user, kind, generation, running, drifts, lastOperation }: HomeStatus,
  nowMs: number
): Cell[] {
  return [
    { text: `  ${user}@` },
    { text: kind, format: kind === 'unknown' ? 'yellow' : 'dim' },
    { text: generation === null ? '-' : String(generation) },
    { text: running === null ? '-' : cut(shortPath(running), 40) },
    drifts.length > 0 ? { text: 'yes', format: 'yellow' } : { text: 'no' },
    lastCell(lastOperation, nowMs),
    { text: '' }
  ]
}

function lastCell(last: LastOperation | null, nowMs: number): Cell {
  if (last === null) return { text: '-' }
  const age = duration((nowMs - Date.parse(last.updatedAt)) / 1000)
  return { text: `${last.phase} ${age} ago`, ...phaseFormat(last.phase) }
}

function row(status: HostStatus, nowMs: number): Cell[] {
  const { lastOperation, drift } = status
  return [
    { text: status.host },
    status.reachable ? { text: 'yes', format: 'green' } : { text: 'no', format: 'red' },
    { text: status.generation === null ? '-' : String(status.generation) },
    { text: status.running === null ? '-' : cut(shortPath(status.running), 40) },
    drift === null ? { text: '-' } : drift ? { text: 'yes', format: 'yellow' } : { text: 'no' },
    lastCell(lastOperation, nowMs),
    { text: status.agentVersion ?? '-' }
  ]
}

function phaseFormat(phase: string): Pick<Cell, 'format'> {
  if (phase === 'committed') return { format: 'green' }
  if (phase === 'stuck') return { format: 'red' }
  return { format: 'yellow' }
}
