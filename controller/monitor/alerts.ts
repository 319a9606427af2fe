import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { PlannedAlerts } from '../../shared/api/rollout.ts'
import { describeError } from '../../shared/errors.ts'
import type { LookAtAlerts } from '../rollout/ports.ts'
import type { AccessTo } from './access.ts'
import type { Access } from './access-schema.ts'
import { baseOf } from './access-schema.ts'
import { ask } from './ask.ts'

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
export function alertsOf(accessTo: AccessTo): LookAtAlerts {
  return async (alerts, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(alerts.timeoutSeconds * 1000)])
    try {
      const firing = firingIn(alerts, await answerOf(alerts, await accessTo(alerts.url), limit))
      const message = firing.length === 0 ? 'nothing fires' : `${firing.length} firing`
      return { open: firing.length === 0, message, firing }
    } catch (error) {
      signal.throwIfAborted()
      const late = `no answer within ${alerts.timeoutSeconds} s`
      return { open: false, message: limit.aborted ? late : describeError(error), firing: [] }
    }
  }
}

async function answerOf(
  { url, query }: PlannedAlerts,
  access: Access,
  signal: AbortSignal
): Promise<unknown> {
  const base = baseOf(url)
  const path =
    query === undefined ? '/api/v1/alerts' : `/api/v1/query?${new URLSearchParams({ query }).toString()}`
  const { status, text } = await ask({ url: `${base}${path}`, access, maxBytes: MAX_ANSWER }, signal)
  if (status !== 200) throw new Error(`${base} answered ${status}`)
  return JSON.parse(text)
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
