import { agentClient } from '../../shared/agent-client/client.ts'
import type {
  BaselineView,
  HistoryPage,
  IncidentChange,
  IncidentRequest,
  Soak
} from '../../shared/api/soak.ts'
import { clean } from '../../shared/clean.ts'
import type { Evidence, Incident } from '../../shared/verdict/evidence.ts'
import type { Context } from './commands.ts'
import { print } from './commands.ts'
import * as views from './views/soak.ts'

/** A history may have to be read from a disk that is slow to wake. */
const TIME_LIMIT_MS = 60_000

const client = ({ settings }: Context, role: 'observe' | 'operate') =>
  agentClient(`${settings.socketDirectory}/${role}.sock`, TIME_LIMIT_MS)

/** The running soak in brief, or all its evidence as JSON. */
export async function soak(context: Context, options: { readonly evidence?: true }): Promise<number> {
  const { call } = client(context, 'observe')
  if (options.evidence) {
    const found = await call<Evidence>('GET', '/v1/soak/evidence')
    context.terminal.out(`${JSON.stringify(found)}\n`)
    return 0
  }
  const found = await call<Soak>('GET', '/v1/soak')
  print(context, found, () => views.soak(found))
  return 0
}

/** Says that the next reboot is wanted. */
export async function expectReboot(context: Context, reason: string): Promise<number> {
  await client(context, 'operate').call('POST', '/v1/soak/reboot-notice', { reason })
  print(
    context,
    { expected: true, reason },
    () => `a reboot within the next 24 hours is expected: ${clean(reason)}`
  )
  return 0
}

export async function incidents(context: Context): Promise<number> {
  const found = await client(context, 'observe').call<{ incidents: Incident[] }>('GET', '/v1/incidents')
  print(context, found, () => views.incidents(found.incidents))
  return 0
}

export async function openIncident(context: Context, request: IncidentRequest): Promise<number> {
  const opened = await client(context, 'operate').call<Incident>('POST', '/v1/incidents', request)
  print(context, opened, () => views.incidents([opened]))
  return 0
}

export async function changeIncident(context: Context, id: string, change: IncidentChange): Promise<number> {
  const path = `/v1/incidents/${encodeURIComponent(id)}`
  const changed = await client(context, 'operate').call<Incident>('PATCH', path, change)
  print(context, changed, () => views.incidents([changed]))
  return 0
}

export async function baselines(context: Context): Promise<number> {
  const found = await client(context, 'observe').call<{ baselines: BaselineView[] }>('GET', '/v1/baselines')
  print(context, found, () => views.baselines(found.baselines))
  return 0
}

export async function takeBaseline(context: Context): Promise<number> {
  const taken = await client(context, 'operate').call<BaselineView>('POST', '/v1/baselines', {})
  print(context, taken, () => views.baselines([taken]))
  return 0
}

export interface HistoryOptions {
  readonly from?: string
  readonly to?: string
  readonly hours?: true
}

/** The whole of what was asked for, page by page. */
export async function history(context: Context, check: string, options: HistoryOptions): Promise<number> {
  const { from, to, hours } = options
  let next: string | null = from ?? null
  do {
    const query = new URLSearchParams({
      ...{ check, resolution: hours ? 'hour' : 'raw' },
      ...(next === null ? {} : { from: next }),
      ...(to === undefined ? {} : { to })
    })
    const page: HistoryPage = await client(context, 'observe').call<HistoryPage>(
      'GET',
      `/v1/history?${query}`
    )
    print(context, page, () => views.history(page))
    next = page.next
  } while (next !== null)
  return 0
}
