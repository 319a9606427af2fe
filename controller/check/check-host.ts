import type { Plan } from '../../shared/api/plan.ts'
import type { CommandResult } from '../../shared/command.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import { parseStorePath } from '../../shared/store-path.ts'
import type { Run } from '../build/run.ts'
import { nixProgram } from '../build/run.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { SecretsPolicy } from '../inventory/pipeline-schema.ts'
import type { Leak } from '../leaks/allow.ts'
import { describeLeaks, LEAK_HINT } from '../leaks/gate.ts'
import type { ScanClosure } from '../leaks/scan-closure.ts'
import { hostClient } from '../transport/host-client.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { nixLog, progressLine } from './nix-log.ts'
import { evaluationError, reasonIn } from './reason.ts'
import type { CheckedHost, CheckStep } from './report.ts'
import { skipped } from './report.ts'

/** What the check of one host needs. */
export interface CheckPorts {
  readonly run: Run
  readonly scan: ScanClosure
  readonly openTunnel: OpenTunnel
  readonly now: () => number
  readonly signal: AbortSignal
  readonly secrets: SecretsPolicy
  readonly onLine: (host: string, line: string) => void
  /** Copies a closure to a host, to have its preview there; null where nobody asked for that. */
  readonly push: ((host: FleetHost, storePath: string) => Promise<void>) | null
}

/** Milliseconds: real fleets evaluate in seconds, and build for hours. */
const EVALUATION_MS = 30 * 60_000
const BUILD_MS = 24 * 3600_000
/** A large closure takes a second. */
const PREVIEW_MS = 60_000

interface Done {
  readonly message: string
  readonly result?: 'pass' | 'warn'
}

/** Evaluates, builds, scans and previews one host. What fails is in its steps; throws only when interrupted. */
export async function checkHost(host: FleetHost, ports: CheckPorts): Promise<CheckedHost> {
  const { name } = host
  const steps: CheckStep[] = []
  let derivation: string | null = null
  let storePath: string | null = null
  let leaks: readonly Leak[] = []
  let counts = { built: 0, fetched: 0 }
  const step = async (what: string, work: () => Promise<Done>): Promise<boolean> => {
    const before = steps.find(({ result }) => result === 'fail' || result === 'skipped')
    if (before !== undefined) {
      steps.push(skipped(what, `not done: ${before.name} ${before.result === 'fail' ? 'failed' : 'was not'}`))
      return false
    }
    const done = await timed(what, ports, work)
    steps.push(done)
    ports.onLine(
      name,
      `${what}: ${done.result === 'fail' ? `${done.code}: ${reasonIn(done.message)}` : done.result}`
    )
    return done.result !== 'fail'
  }
  await step('evaluate', async () => {
    derivation = await evaluate(host, ports)
    return { message: derivation }
  })
  await step('build', async () => {
    const built = await build(host, ports, (found) => {
      counts = found
    })
    storePath = built
    return { message: `${built}; built ${counts.built}, fetched ${counts.fetched}` }
  })
  const { secrets } = ports
  if (secrets.scan !== 'off')
    await step('secrets', async () => {
      const report = await ports.scan(storePath ?? '', secrets, ports.signal)
      leaks = report.leaks
      const seen = `${report.scanned.files} files of ${report.scanned.paths} store paths`
      if (leaks.length === 0) return { message: `no secrets in ${seen}` }
      if (secrets.scan === 'warn') return { result: 'warn', message: describeLeaks(leaks) }
      throw new BelayError('leak-found', `${describeLeaks(leaks)}\n${LEAK_HINT}`, {
        found: leaks.length,
        wanted: 0
      })
    })
  if (ports.push !== null) await step('preview', async () => preview(host, storePath ?? '', ports))
  return { host: name, derivation, storePath, ...counts, leaks, steps }
}

/** A step with its time. */
export async function timed(
  name: string,
  { now, signal }: Pick<CheckPorts, 'now' | 'signal'>,
  work: () => Promise<Done>
): Promise<CheckStep> {
  const began = now()
  const seconds = () => Math.round((now() - began) / 100) / 10
  try {
    const { message, result = 'pass' } = await work()
    return { name, result, seconds: seconds(), message, code: null }
  } catch (error) {
    signal.throwIfAborted()
    return { name, result: 'fail', seconds: seconds(), message: describeError(error), code: codeOf(error) }
  }
}

async function evaluate({ name, installable }: FleetHost, ports: CheckPorts): Promise<string> {
  const argv = [...nixProgram, 'eval', '--raw', `${installable}.drvPath`]
  ports.onLine(name, `evaluating ${installable}`)
  const result = await ports.run(argv, { timeoutMs: EVALUATION_MS, signal: ports.signal })
  ports.signal.throwIfAborted()
  if (result.code === 0 && result.stdout.startsWith('/nix/store/')) return result.stdout.trim()
  throw new BelayError(
    'evaluation-failed',
    result.timedOut ? tail(result) : evaluationError(result.stderr) || tail(result),
    { at: installable, found: result.code, wanted: 0 }
  )
}

async function build(
  { name, installable }: FleetHost,
  ports: CheckPorts,
  counted: (counts: { built: number; fetched: number }) => void
): Promise<string> {
  const log = nixLog()
  let shown = ''
  const argv = [
    ...nixProgram,
    'build',
    '--no-link',
    '--print-out-paths',
    '--log-format',
    'internal-json',
    installable
  ]
  const result = await ports.run(argv, {
    timeoutMs: BUILD_MS,
    signal: ports.signal,
    onStderrLine: (line) => {
      log.line(line)
      const text = progressLine(log.progress())
      if (text !== shown && text !== '') ports.onLine(name, text)
      shown = text
    }
  })
  ports.signal.throwIfAborted()
  const { built, fetched, errors, lines } = log.progress()
  counted({ built, fetched })
  const [path = '', ...more] = result.stdout.trim().split('\n')
  if (result.code === 0 && more.length === 0) return parseStorePath(path)
  const said = [...lines.slice(-10), ...errors].join('\n')
  const text = result.code === 0 ? `${installable} has not exactly one output` : said || tail(result)
  throw new BelayError('build-failed', text, { at: installable, found: result.code, wanted: 0 })
}

/** A host that is away is no failure of what is checked. */
async function preview(host: FleetHost, storePath: string, ports: CheckPorts): Promise<Done> {
  try {
    await ports.push?.(host, storePath)
    await using tunnel = await ports.openTunnel(host, ports.signal)
    const plan = await hostClient(tunnel.socketPath, PREVIEW_MS).preview({ storePath })
    return { message: describePlan(plan) }
  } catch (error) {
    if (codeOf(error) !== 'host-unreachable') throw error
    return { result: 'warn', message: `not reachable: ${describeError(error)}` }
  }
}

function describePlan({ packages, services, files, reboot, closure, hash }: Plan): string {
  const size = Math.round((closure.after.bytes - closure.before.bytes) / 1024 / 1024)
  const need = reboot.required
    ? ', only a reboot brings it'
    : reboot.recommended
      ? ', part of it waits for a reboot'
      : ''
  return `${packages.length} packages, ${services.length} services, ${files.length} files change, ${size >= 0 ? '+' : ''}${size} MiB${need}; plan ${hash.slice(0, 12)}`
}

function tail(result: CommandResult): string {
  if (result.timedOut) return 'it did not end in time'
  return result.stderr.trim().split('\n').slice(-20).join('\n') || `it ended with ${result.code}`
}
