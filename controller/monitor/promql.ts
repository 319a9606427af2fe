import { BelayError, describeError } from '../../shared/errors.ts'
import type { Access } from './access-schema.ts'
import type { Answer } from './ask.ts'
import { ask } from './ask.ts'

/** Milliseconds for one question; the engine is told to give up a little earlier. */
const TIMEOUT_MS = 20_000
/** Bytes of an answer that are read. */
const MAX_BYTES = 32 * 1024 * 1024
/** Steps of one question; what is longer is asked in parts. Prometheus takes 11 000 at most. */
const MAX_STEPS = 1000
/** Characters of an error that are shown. */
const SHOWN = 300

/** One value at one time. */
export interface Sample {
  /** ms since the epoch. */
  readonly at: number
  /** May be NaN or infinite: what that means is for the reader to say. */
  readonly value: number
}

/** A series: labels, with its name as `__name__`, and values, oldest first. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly Sample[]
}

/** Steps of a range, in ms since the epoch; both ends count. */
export interface Steps {
  readonly from: number
  readonly to: number
  readonly stepSeconds: number
}

/** Asks an engine that speaks Prometheus' HTTP API. All reject with `monitoring-unreachable` or `monitoring-failed`. */
export interface Promql {
  /** The answer at one time. */
  instant(query: string, at: number): Promise<Series[]>
  /** The answers at every step. */
  range(query: string, steps: Steps): Promise<Series[]>
}

/** Where it is, and with what we identify ourselves. */
export interface Engine {
  readonly url: string
  readonly access: Access
}

/** A client of one engine. */
export function promql(engine: Engine, signal: AbortSignal): Promql {
  const question = async (path: string, parameters: Record<string, string>) =>
    seriesOf(await answerOf(engine, path, parameters, signal), engine.url)
  return {
    // nocache: VictoriaMetrics moves the time of a question otherwise.
    instant: (query, at) => question('query', { query, time: seconds(at), nocache: '1' }),
    async range(query, { from, to, stepSeconds }) {
      const parts: Series[][] = []
      const step = stepSeconds * 1000
      for (let start = from; start <= to; start += MAX_STEPS * step) {
        const end = Math.min(to, start + (MAX_STEPS - 1) * step)
        const times = { start: seconds(start), end: seconds(end), step: String(stepSeconds) }
        parts.push(await question('query_range', { query, ...times, nocache: '1' }))
      }
      return joined(parts.flat())
    }
  }
}

const seconds = (ms: number) => (ms / 1000).toFixed(3)

async function answerOf(
  { url, access }: Engine,
  path: string,
  parameters: Record<string, string>,
  signal: AbortSignal
): Promise<unknown> {
  const form = new URLSearchParams({ ...parameters, timeout: `${TIMEOUT_MS / 1000 - 1}s` })
  const from = new URL(url).host
  let answer: Answer
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
    answer = await ask({ url: `${url}/api/v1/${path}`, access, form, maxBytes: MAX_BYTES }, limit)
  } catch (cause) {
    signal.throwIfAborted()
    const why = `${from}: no answer: ${describeError(cause)}`
    throw new BelayError('monitoring-unreachable', why, { cause, at: url })
  }
  return checked(answer, from)
}

type Json = Readonly<Record<string, unknown>>

/** What a good answer holds. An answer with warnings may lack something: nothing may be concluded from it. */
function checked({ status, text }: Answer, from: string): unknown {
  const fail = (why: string, found: unknown) =>
    new BelayError('monitoring-failed', `${from}: ${why.slice(0, SHOWN)}`, { found, wanted: 'success' })
  let answer: Json
  try {
    answer = JSON.parse(text) as Json
  } catch {
    throw fail(`it answered ${status}: ${text.slice(0, SHOWN).trim() || 'nothing'}`, status)
  }
  if (answer?.status !== 'success' || status !== 200) {
    throw fail(`it answered ${status}: ${answer?.errorType}: ${answer?.error}`, answer?.errorType ?? status)
  }
  const warnings = Array.isArray(answer.warnings) ? answer.warnings : []
  if (warnings.length > 0) throw fail(`its answer has warnings: ${warnings.join('; ')}`, warnings)
  if (answer.isPartial === true) throw fail('its answer is partial', 'isPartial')
  return answer.data
}

function seriesOf(data: unknown, at: string): Series[] {
  const { resultType, result } = (data ?? {}) as Json
  if ((resultType !== 'vector' && resultType !== 'matrix') || !Array.isArray(result)) {
    throw new BelayError('monitoring-failed', 'no vector and no matrix', { found: resultType, at })
  }
  return result.map((entry: Json) => {
    const values = resultType === 'vector' ? [entry?.value] : entry?.values
    const labels = entry?.metric
    if (!Array.isArray(values) || typeof labels !== 'object' || labels === null) throw strange(entry, at)
    return { labels: labels as Series['labels'], samples: values.map((value) => sampleOf(value, at)) }
  })
}

function sampleOf(value: unknown, at: string): Sample {
  const [time, text] = Array.isArray(value) ? (value as unknown[]) : []
  if (typeof time !== 'number' || typeof text !== 'string') throw strange(value, at)
  const infinite = /^([+-]?)Inf$/.exec(text)
  const number = infinite ? (infinite[1] === '-' ? -Infinity : Infinity) : Number(text)
  return { at: Math.round(time * 1000), value: text.trim() === '' ? Number.NaN : number }
}

const strange = (found: unknown, at: string) =>
  new BelayError('monitoring-failed', 'an answer that is none of Prometheus', { found, at })

/** Parts of the same series, put together. */
function joined(parts: readonly Series[]): Series[] {
  const all = new Map<string, { labels: Series['labels']; samples: Sample[] }>()
  for (const { labels, samples } of parts) {
    const key = JSON.stringify(Object.entries(labels).toSorted())
    const known = all.get(key)
    if (known) known.samples.push(...samples)
    else all.set(key, { labels, samples: [...samples] })
  }
  return [...all.values()]
}
