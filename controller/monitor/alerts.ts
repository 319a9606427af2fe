import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { PlannedAlerts } from '../../shared/api/rollout.ts'
import { describeError } from '../../shared/errors.ts'
import type { LookAtAlerts } from '../rollout/ports.ts'

/** Bytes of an answer; thousands of alerts are less. */
const MAX_ANSWER = 8 * 1024 * 1024

const Labels = Type.Record(Type.String(), Type.String())
/** GET /api/v1/alerts, as far as it is looked at. */
const AlertsAnswer = Type.Object({
  status: Type.Literal('success'),
  data: Type.Object({
    alerts: Type.Array(Type.Object({ labels: Labels, state: Type.String() }))
  })
})
/** GET /api/v1/query with a vector. */
const QueryAnswer = Type.Object({
  status: Type.Literal('success'),
  data: Type.Object({
    resultType: Type.Literal('vector'),
    result: Type.Array(Type.Object({ metric: Labels }))
  })
})

/** Asks a Prometheus over HTTP. */
export function alertsOf(get: typeof fetch): LookAtAlerts {
  return async (alerts, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(alerts.timeoutSeconds * 1000)])
    try {
      const firing = firingIn(alerts, await ask(alerts, get, limit))
      const message = firing.length === 0 ? 'nothing fires' : `${firing.length} firing`
      return { open: firing.length === 0, message, firing }
    } catch (error) {
      signal.throwIfAborted()
      const late = `no answer within ${alerts.timeoutSeconds} s`
      return { open: false, message: limit.aborted ? late : describeError(error), firing: [] }
    }
  }
}

async function ask({ url, query }: PlannedAlerts, get: typeof fetch, signal: AbortSignal): Promise<unknown> {
  const base = url.replace(/\/+$/, '')
  const path =
    query === undefined ? '/api/v1/alerts' : `/api/v1/query?${new URLSearchParams({ query }).toString()}`
  // Elsewhere is not what the fleet file names.
  const answer = await get(`${base}${path}`, { signal, redirect: 'error' })
  if (!answer.ok) throw new Error(`${base} answered ${answer.status}`)
  return JSON.parse(await textOf(answer))
}

async function textOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER) throw new Error(`the answer is larger than ${MAX_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The alerts that count, each by its labels. Throws for an answer of another shape. */
function firingIn({ match = {}, query }: PlannedAlerts, answer: unknown): readonly string[] {
  if (query !== undefined) {
    if (!Value.Check(QueryAnswer, answer)) throw new Error('it did not answer with a vector')
    return names(answer.data.result.map(({ metric }) => metric))
  }
  if (!Value.Check(AlertsAnswer, answer)) throw new Error('it did not answer with alerts')
  const wanted = Object.entries(match)
  const counts = answer.data.alerts.filter(
    ({ state, labels }) => state === 'firing' && wanted.every(([key, value]) => (labels[key] ?? '') === value)
  )
  return names(counts.map(({ labels }) => labels))
}

/** One text for one set of labels, whatever their order. */
function names(all: readonly Readonly<Record<string, string>>[]): readonly string[] {
  const texts = all.map(({ alertname, ...labels }) => {
    const rest = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
    return `${alertname ?? 'alert'}{${rest.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}}`
  })
  return [...new Set(texts)].sort()
}
