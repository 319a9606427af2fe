import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenTunnel } from '../../../controller/transport/tunnel.ts'
import type { Plan, PreviewRequest } from '../../../shared/api/plan.ts'
import type { ProfileName } from '../../../shared/api/profile.ts'
import type { Operation, OperationRequest } from '../../../shared/api/schemas.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Phase } from '../../../shared/operation/phase.ts'
import { isTerminal } from '../../../shared/operation/phase.ts'
import { approval } from '../../shared/approvals.ts'
import { plan } from '../../shared/plans.ts'
import { storePath } from './fleet-host.ts'

/** How the host behaves. Tunnels are counted from 1. */
export interface Story {
  /** What the operation does when it is not waiting for us; ends in a phase that waits or is terminal. */
  readonly before?: readonly Phase[]
  /** What follows a confirmation. */
  readonly after?: readonly Phase[]
  /** All connections break when this phase is reached, and the next so many tunnels do not open. */
  readonly cut?: { readonly at: Phase; readonly tunnels: number; readonly next?: readonly Phase[] }
  readonly running?: string
  /** Answers of POST /v1/operations in front of the good one: an error code, or a broken connection. */
  readonly starts?: readonly ('break' | { readonly status: number; readonly code: string })[]
  readonly hideNonce?: boolean
  /** Has no operation before it is asked for one, and runs what was committed. */
  readonly idle?: true
  /** Code with which a preview is refused. */
  readonly noPlan?: string
  /** What it says of its soak; may change. */
  readonly evidence?: () => unknown
  /** Homes that are looked after, with what runs in each. */
  readonly homes?: Readonly<{ [user: string]: string }>
  /** What each profile would do; without it the same for all. */
  readonly plans?: (profile: ProfileName) => Plan
  /** What GET /v1/operations lists instead of the one operation. */
  readonly operations?: readonly Partial<Operation>[]
  /** What a host that lies answers in place of the truth. */
  readonly lie?: (route: string, truth: unknown) => unknown
}

interface Record {
  readonly type: 'operation' | 'output'
  readonly [key: string]: unknown
}

const forward: readonly Phase[] = [
  'accepted',
  'fetching',
  'checking',
  'arming',
  'activating',
  'verifying',
  'confirming'
]

/** An agent in memory behind Unix sockets, one per tunnel, so that it knows over which tunnel it is asked. */
export function fakeAgent(story: Story = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'belay-fake-'))
  const log: Record[] = []
  const streams = new Set<ServerResponse>()
  const listeners = new Set<ServerResponse>()
  const servers = new Set<Server>()
  const seen = {
    tunnels: 0,
    open: 0,
    previews: [] as PreviewRequest[],
    starts: [] as { key: unknown; body: OperationRequest }[],
    approvals: [] as string[],
    holds: [] as string[],
    confirmedOver: null as number | null,
    confirmingSince: Number.POSITIVE_INFINITY
  }
  const starts = [...(story.starts ?? [])]
  let planOf = story.plans ?? (() => plan({ to: storePath('b') }))
  let phase: Phase = 'accepted'
  let closedFor = 0
  let wasCut = false
  let begun = false

  const send = (response: ServerResponse, status: number, body: unknown) => {
    const text = JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(text)
  }
  const operation = (): Operation => ({
    id: 'op-1',
    kind: 'activate',
    mode: 'switch',
    phase,
    reason: `now ${phase}`,
    code: phase === 'rolled-back' ? 'deadline' : null,
    candidate: storePath('b'),
    baseline: { number: 1, storePath: storePath('a') },
    principal: 'operate',
    acceptedAt: '2026-01-01T12:00:00Z',
    updatedAt: '2026-01-01T12:00:00Z',
    confirm: { by: 'connection', windowSeconds: 60 },
    confirmation:
      phase === 'confirming'
        ? { nonce: story.hideNonce ? null : 'secret', deadline: '2026-01-01T12:01:00Z' }
        : null,
    terminal: isTerminal(phase)
  })
  const write = (record: Record) => {
    log.push(record)
    const text = `event: ${record.type}\ndata: ${JSON.stringify(record)}\n\n`
    for (const stream of streams) stream.write(text)
    if (record.type === 'operation') for (const listener of listeners) listener.write(text)
  }
  const move = (to: Phase) => {
    phase = to
    if (to === 'confirming') seen.confirmingSince = seen.tunnels
    write({
      type: 'operation',
      at: '2026-01-01T12:00:00Z',
      operation: 'op-1',
      seq: log.length,
      phase: to,
      message: `${to}!`
    })
    if (to === 'activating') write({ type: 'output', operation: 'op-1', line: 'starting units' })
    if (story.cut?.at === to && !wasCut) cut(story.cut)
  }
  const cut = ({ tunnels, next }: NonNullable<Story['cut']>) => {
    wasCut = true
    closedFor = tunnels
    for (const server of servers) server.closeAllConnections()
    streams.clear()
    if (next !== undefined) play(next)
  }
  const play = (phases: readonly Phase[]) => {
    for (const next of phases) {
      move(next)
      if (wasCut && story.cut?.at === next && story.cut.next !== undefined) return
    }
    if (isTerminal(phase)) {
      for (const stream of streams) stream.end('event: end\ndata: {}\n\n')
      streams.clear()
    }
  }
  const begin = (request: IncomingMessage, response: ServerResponse, body: string) => {
    seen.starts.push({ key: request.headers['idempotency-key'], body: JSON.parse(body) })
    const bad = starts.shift()
    if (bad === 'break') return request.socket.destroy()
    if (bad) return send(response, bad.status, { code: bad.code, detail: `because of ${bad.code}` })
    begun = true
    send(response, 202, operation())
  }
  const follow = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\n\n')
    for (const record of log) response.write(`event: ${record.type}\ndata: ${JSON.stringify(record)}\n\n`)
    if (isTerminal(phase)) return response.end('event: end\ndata: {}\n\n')
    streams.add(response)
    if (log.length === 0) play(story.before ?? forward)
  }
  /** Everything that happens from now on. */
  const listenTo = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\n\n')
    listeners.add(response)
    const heartbeat = setInterval(() => response.write(': \n\n'), 5000)
    response.on('close', () => {
      clearInterval(heartbeat)
      listeners.delete(response)
    })
  }
  const confirm = (response: ServerResponse, tunnel: number, body: string) => {
    if (JSON.parse(body).nonce !== 'secret') return send(response, 403, { code: 'nonce-wrong', detail: 'no' })
    if (tunnel <= seen.confirmingSince) {
      return send(response, 403, { code: 'connection-too-old', detail: 'opened before the activation ended' })
    }
    seen.confirmedOver = tunnel
    send(response, 200, operation())
    play(story.after ?? ['committing', 'committed'])
  }
  /** The host goes down with every connection, and comes up on trial. */
  const reboot = (response: ServerResponse) => {
    send(response, 200, operation())
    cut({ at: 'staged', tunnels: 2, next: ['verifying', 'confirming'] })
  }
  const host = () => {
    const moved = story.idle === true && phase === 'committed'
    const running = moved ? storePath('b') : (story.running ?? storePath('a'))
    const same = { number: 7, storePath: running, running, booted: running, bootDefault: running }
    const none = { booted: null, bootDefault: null, drift: false, drifts: [] }
    const homes = Object.entries(story.homes ?? {}).map(([user, path]) => ({
      ...{ profile: `home:${user}`, number: 3, storePath: path, running: path, ...none },
      home: { user, kind: 'standalone', problem: null, userManager: true, failedUnits: [], hold: null }
    }))
    const profiles = [{ profile: 'system', ...same, drift: false, drifts: [] }, ...homes]
    const identity = { name: 'cinnabar', platform: 'nixos', system: 'x86_64-linux', bootId: 'b' }
    return { ...identity, agentVersion: '0.1.0', hold: null, profiles }
  }
  const preview = (response: ServerResponse, body: string, profile: string) => {
    seen.previews.push(JSON.parse(body))
    if (!story.noPlan) return send(response, 200, planOf(decodeURIComponent(profile) as ProfileName))
    send(response, 422, { code: story.noPlan, detail: `because of ${story.noPlan}` })
  }
  const approve = (response: ServerResponse, body: string) => {
    const { approval: document } = JSON.parse(body) as { approval: string }
    seen.approvals.push(document)
    send(response, 201, approval({ approval: document }))
  }
  const hold = ({ method }: IncomingMessage, response: ServerResponse, body: string) => {
    const { reason } = JSON.parse(body) as { reason: string }
    seen.holds.push(`${method} ${reason}`)
    const held = { reason, principal: 'operate socket', at: '2026-01-01T12:00:00Z', operation: null }
    send(response, 200, { hold: method === 'PUT' ? held : null })
  }
  const answer = (tunnel: number) => (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const route = `${request.method} ${request.url}`
      const say = (truth: unknown) => send(response, 200, story.lie ? story.lie(route, truth) : truth)
      if (route === 'GET /v1/host') return say(host())
      if (route === 'GET /v1/operations') {
        const none = story.idle === true && !begun
        const all = story.operations?.map((each) => ({ ...operation(), ...each })) ?? [operation()]
        return say({ operations: none ? [] : all })
      }
      if (route === 'GET /v1/soak/evidence' && story.evidence) return send(response, 200, story.evidence())
      if (route === 'GET /v1/events') return listenTo(response)
      if (route === 'GET /v1/operations/op-1') return send(response, 200, operation())
      const [, profile] = /^POST \/v1\/profiles\/(system|home%3A\w+)\/preview$/.exec(route) ?? []
      if (profile !== undefined) return preview(response, body, profile)
      if (route === 'POST /v1/operations') return begin(request, response, body)
      if (route === 'GET /v1/operations/op-1/log') return follow(response)
      if (route === 'POST /v1/approvals') return approve(response, body)
      if (route === 'PUT /v1/hold' || route === 'DELETE /v1/hold') return hold(request, response, body)
      if (route === 'POST /v1/operations/op-1/reboot') return reboot(response)
      if (route === 'POST /v1/operations/op-1/confirm') return confirm(response, tunnel, body)
      send(response, 404, { code: 'not-found', detail: route })
    })
  }
  const openTunnel: OpenTunnel = async (_, signal) => {
    signal.throwIfAborted()
    seen.tunnels += 1
    if (closedFor > 0) {
      closedFor -= 1
      throw new BelayError('host-unreachable', 'No route to host')
    }
    const server = createServer(answer(seen.tunnels))
    const socketPath = join(directory, String(seen.tunnels))
    await new Promise<void>((resolve) => server.listen(socketPath, resolve))
    servers.add(server)
    seen.open += 1
    const abort = () => server.closeAllConnections()
    signal.addEventListener('abort', abort)
    return {
      socketPath,
      [Symbol.asyncDispose]: async () => {
        signal.removeEventListener('abort', abort)
        servers.delete(server)
        server.close()
        server.closeAllConnections()
        seen.open -= 1
      }
    }
  }
  /** What each profile would do from now on. */
  const replan = (plans: NonNullable<Story['plans']>) => {
    planOf = plans
  }
  return { openTunnel, seen, replan, close: () => rmSync(directory, { recursive: true, force: true }) }
}
