import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { AppOptions } from '../../../agent/api/app.ts'
import { buildApp } from '../../../agent/api/app.ts'
import { listen } from '../../../agent/api/listen.ts'
import { hostClock, monotonicMs } from '../../../agent/clock.ts'
import { parseChecks } from '../../../agent/config/checks.ts'
import { parseSettings } from '../../../agent/config/settings.ts'
import { DesiredKeeper } from '../../../agent/desired/desired.ts'
import { Checks } from '../../../agent/health/checks.ts'
import { nothingKept } from '../../../agent/health/store.ts'
import { openJournal } from '../../../agent/journal/journal.ts'
import { agentMetrics } from '../../../agent/metrics/metrics.ts'
import type { Event } from '../../../agent/operation/events.ts'
import { Operations } from '../../../agent/operation/operations.ts'
import { operationDirectory } from '../../../agent/operation/store.ts'
import type { Host } from '../../../agent/platform/platform.ts'
import { Approvals } from '../../../agent/security/approvals.ts'
import { BelayError } from '../../../shared/errors.ts'
import { plan } from '../../shared/plans.ts'

/** The part of a test that cleans up after it. */
export interface Scope {
  teardown(act: () => unknown): void
}

/** A directory with a path short enough for sockets, which end at 107 bytes. */
export function shortDirectory(t: Scope): string {
  const dir = mkdtempSync(join(tmpdir(), 'belay-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A store path that the host takes for a generation. */
export const candidate = `/nix/store/${'b'.repeat(32)}-nixos-system`
const baseline = `/nix/store/${'a'.repeat(32)}-nixos-system`

/** The API on real sockets, with real journals, on a host that is only told. */
export async function startDaemon(
  t: Scope,
  dir = shortDirectory(t),
  parts: Partial<Pick<AppOptions, 'soak' | 'logger'>> = {}
) {
  const places = { socketDirectory: join(dir, 'run'), stateDirectory: join(dir, 'state') }
  for (const place of Object.values(places)) mkdirSync(place, { recursive: true })
  const settings = parseSettings(JSON.stringify({ hostName: 'cinnabar', ...places }), 'test')
  const started: string[] = []
  const host: Host = {
    system: async () => 'x86_64-linux',
    observe: async () => ({
      profile: 'system',
      number: 1,
      storePath: baseline,
      running: baseline,
      booted: baseline,
      bootDefault: baseline,
      drift: false
    }),
    generations: async () => [],
    isComplete: async () => true,
    fetch: async () => {},
    keep: async () => true,
    release: async () => {},
    running: async () => baseline,
    generation: async (number) => {
      if (number === 1) return { number, storePath: baseline }
      throw new BelayError('generation-unknown', `no generation ${number}`)
    },
    platform: 'nixos',
    assertCandidate: async (storePath) => {
      if (storePath !== candidate) throw new BelayError('path-not-valid', `${storePath} is not here`)
    },
    preview: async (storePath) => {
      if (storePath !== candidate) throw new BelayError('path-not-valid', `${storePath} is not here`)
      return plan({ from: baseline, to: candidate })
    },
    preflight: async () => [],
    startRunner: async (id) => void started.push(id),
    follow: async (_, line) => line('the first line'),
    output: async () => ['the first line', 'the second line']
  }
  const clock = hostClock('boot')
  const operations = new Operations({ settings, clock, host })
  const checks = new Checks({
    settings: parseChecks({ present: { kind: 'memory' } }, settings),
    clock: { now: () => Date.now(), monotonicMs },
    world: () => {
      throw new Error('no world')
    },
    kept: nothingKept,
    write: async () => {},
    warn: () => {}
  })
  const logger = pino({ enabled: false })
  const approvals = new Approvals({
    settings,
    preview: (path) => host.preview(path, {}),
    nowMs: () => Date.now()
  })
  const receive = (document: string) => approvals.receive(document)
  const desired = new DesiredKeeper({ settings, clock, host, operations, receive, logger })
  const app = await buildApp({
    settings,
    bootId: clock.bootId,
    host,
    operations,
    approvals,
    desired,
    checks,
    logger,
    metrics: agentMetrics(host, operations, { checks, desired }),
    ready: () => true,
    ...parts
  })
  t.teardown(await listen(app, settings))
  /** What a runner would write. */
  const append = async (id: string, ...events: Event[]) => {
    const file = join(operationDirectory(operations.root, id), 'journal.jsonl')
    const journal = await openJournal<Event>(file, clock.now)
    for (const event of events) await journal.append(event)
    await journal.close()
  }
  return {
    settings,
    host,
    started,
    operations,
    checks,
    desired,
    app,
    append,
    socket: (role: string) => join(dir, 'run', `${role}.sock`)
  }
}

/** One request on a connection of its own. */
export function call(
  socketPath: string,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {}
): Promise<{ status: number; type: string; body: string; request: string }> {
  return new Promise((resolve, reject) => {
    const type =
      body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const req = request(
      { socketPath, method, path, agent: false, headers: { ...type, ...headers } },
      (res) => {
        let text = ''
        res.setEncoding('utf8')
        res.on('data', (chunk: string) => {
          text += chunk
        })
        res.on('end', () =>
          resolve({
            ...{ status: res.statusCode ?? 0, type: res.headers['content-type'] ?? '', body: text },
            request: String(res.headers['request-id'] ?? '')
          })
        )
      }
    )
    req.on('error', reject)
    req.end(body)
  })
}
