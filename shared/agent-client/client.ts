import type { Approval } from '../api/approval.ts'
import type { CheckState } from '../api/checks.ts'
import type { HoldState } from '../api/hold.ts'
import type { Plan, PreviewRequest } from '../api/plan.ts'
import type { Preflight } from '../api/preflight.ts'
import type { ProfileName } from '../api/profile.ts'
import type {
  ActivationMode,
  ConfirmRequest,
  Host,
  Operation,
  OperationEvent,
  OperationRequest,
  RollbackRequest
} from '../api/schemas.ts'
import type { ErrorCode } from '../errors.ts'
import { BelayError, errorCodes } from '../errors.ts'
import type { Endpoint } from './endpoint.ts'
import { openRequest, unreachable } from './endpoint.ts'
import { sseEvents } from './sse.ts'

/** Longest that all checks may take. */
const PREFLIGHT_MS = 900_000

/** Looks at an answer before it is believed, and throws what is wrong with it. */
export type CheckAnswer = (method: string, path: string, answer: unknown) => unknown

/** Calls an API, each time over a connection of its own and with a time limit. */
export function apiCaller(
  endpoint: Endpoint,
  timeoutMs: number,
  check: CheckAnswer = (_, __, answer) => answer
) {
  return async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    limitMs = timeoutMs
  ): Promise<T> => {
    const { status, text } = await send({ endpoint, timeoutMs: limitMs, method, path, body, headers })
    const parsed = parse(text)
    if (status >= 400) throw problemToError(status, parsed)
    return check(method, path, parsed) as T
  }
}

/** What is looked at before it is believed. */
export interface Checks {
  readonly answer?: CheckAnswer
  readonly event?: (event: unknown) => unknown
}

/** A client of the agent API on a Unix socket. */
export function agentClient(
  socketPath: string,
  timeoutMs = 10_000,
  { answer: checkAnswer, event: checkEvent }: Checks = {}
) {
  const call = apiCaller(socketPath, timeoutMs, checkAnswer)
  return {
    host: () => call<Host>('GET', '/v1/host'),
    live: () => call<{ status: string; version: string }>('GET', '/livez'),
    /** Some checks take their time: a signature of every path, a program that is tried. */
    preflight: (storePath: string, mode: ActivationMode, profile: ProfileName = 'system') => {
      const path = `/v1/profiles/${encodeURIComponent(profile)}/preflight?storePath=${encodeURIComponent(storePath)}&mode=${mode}`
      return call<Preflight>('GET', path, undefined, {}, PREFLIGHT_MS)
    },
    hold: (reason: string, profile: ProfileName = 'system') =>
      call<HoldState>('PUT', holdPath(profile), { reason }),
    release: (profile: ProfileName = 'system') => call<HoldState>('DELETE', holdPath(profile)),
    generations: (profile: ProfileName = 'system') =>
      call<{ generations: import('../api/schemas.ts').Generation[] }>(
        'GET',
        `/v1/profiles/${encodeURIComponent(profile)}/generations`
      ),
    preview: (body: PreviewRequest, profile: ProfileName = 'system') =>
      call<Plan>('POST', `/v1/profiles/${encodeURIComponent(profile)}/preview`, body),
    operations: () => call<{ operations: Operation[] }>('GET', '/v1/operations'),
    operation: (id: string) => call<Operation>('GET', `/v1/operations/${encodeURIComponent(id)}`),
    start: (body: OperationRequest, idempotencyKey?: string) =>
      call<Operation>(
        'POST',
        '/v1/operations',
        body,
        idempotencyKey ? { 'idempotency-key': idempotencyKey } : {}
      ),
    confirm: (id: string, nonce: string, sessionStartedMonotonicMs: number | null = null) => {
      const session = sessionStartedMonotonicMs === null ? {} : { sessionStartedMonotonicMs }
      const body: ConfirmRequest = { nonce, ...session }
      return call<Operation>('POST', `/v1/operations/${encodeURIComponent(id)}/confirm`, body)
    },
    reboot: (id: string) => call<Operation>('POST', `/v1/operations/${encodeURIComponent(id)}/reboot`, {}),
    cancel: (id: string) => call<Operation>('POST', `/v1/operations/${encodeURIComponent(id)}/cancel`, {}),
    approvals: () => call<{ approvals: Approval[] }>('GET', '/v1/approvals'),
    handIn: (approval: string) => call<Approval>('POST', '/v1/approvals', { approval }),
    revokeApproval: (id: string, reason: string) =>
      call<Approval>('DELETE', `/v1/approvals/${encodeURIComponent(id)}`, { reason }),
    checks: () => call<{ checks: CheckState[] }>('GET', '/v1/checks'),
    runCheck: (name: string) => call<CheckState>('POST', `/v1/checks/${encodeURIComponent(name)}/run`, {}),
    rollback: (body: RollbackRequest) => call<Operation>('POST', '/v1/rollback', body),
    /** Whatever has no method of its own here. */
    call,
    /** What the verdict on the running soak is made from; to be checked, as it is the host's word. */
    soakEvidence: () => call<unknown>('GET', '/v1/soak/evidence'),
    /** Journal and output of an operation, live, until it ends. Throws when the connection breaks before. */
    log: (id: string, signal?: AbortSignal): AsyncGenerator<OperationEvent> =>
      sseEvents<OperationEvent>({
        socketPath,
        path: `/v1/operations/${encodeURIComponent(id)}/log`,
        ...(checkEvent ? { check: checkEvent } : {}),
        ...(signal ? { signal } : {})
      })
  }
}
/** That of the host has a path of its own, which agents of before know too. */
const holdPath = (profile: ProfileName) =>
  profile === 'system' ? '/v1/hold' : `/v1/profiles/${encodeURIComponent(profile)}/hold`

export type AgentClient = ReturnType<typeof agentClient>

interface Call {
  readonly endpoint: Endpoint
  readonly timeoutMs: number
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly headers: Record<string, string>
}

function send(call: Call): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const payload = call.body === undefined ? undefined : JSON.stringify(call.body)
    const headers = {
      ...call.headers,
      // Node frames the body of a DELETE by itself not at all.
      ...(payload === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) })
    }
    const late = new Error(`no answer within ${call.timeoutMs / 1000} s`)
    const fail = (cause: Error) =>
      reject(unreachable(call.endpoint, cause.name === 'AbortError' ? late : cause))
    const req = openRequest(
      call.endpoint,
      {
        method: call.method,
        path: call.path,
        headers,
        agent: false,
        signal: AbortSignal.timeout(call.timeoutMs)
      },
      (res) => {
        let text = ''
        res.setEncoding('utf8')
        res.on('data', (chunk: string) => {
          text += chunk
          if (text.length > 8 * 1024 * 1024) req.destroy(new Error('answer larger than 8 MiB'))
        })
        res.on('end', () => resolve({ status: res.statusCode ?? 0, text }))
        res.on('error', fail)
      }
    )
    req.on('error', fail)
    req.end(payload)
  })
}

function parse(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw new BelayError('invalid-json', 'the agent answered something that is not JSON', {
      cause,
      found: text.slice(0, 200)
    })
  }
}

/** A problem may be anybody's word too. */
function problemToError(status: number, answer: unknown): BelayError {
  const { code, detail, found, wanted, at } = (answer ?? {}) as Readonly<Record<string, unknown>>
  const known = typeof code === 'string' && Object.hasOwn(errorCodes, code)
  return new BelayError(
    known ? (code as ErrorCode) : 'internal',
    typeof detail === 'string' ? detail : `the agent answered ${status}`,
    { found, wanted, ...(typeof at === 'string' ? { at } : {}) }
  )
}
