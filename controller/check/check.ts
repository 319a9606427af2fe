import pLimit from 'p-limit'
import { BelayError } from '../../shared/errors.ts'
import { endOfLog, nixProgram } from '../build/run.ts'
import { flakeFolder } from '../inventory/flake-folder.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { CheckPolicy } from '../inventory/pipeline-schema.ts'
import type { Gate } from '../inventory/rollout-schema.ts'
import { secondsOf } from '../inventory/words.ts'
import type { SecretsReport } from '../secrets/check.ts'
import type { CheckPorts } from './check-host.ts'
import { checkHost, timed } from './check-host.ts'
import type { CheckReport, CheckStep } from './report.ts'
import { allPass } from './report.ts'

/** What is to be checked. */
export interface CheckRequest {
  readonly hosts: readonly FleetHost[]
  readonly flake: string
  readonly policy: CheckPolicy
  readonly maxParallel: number
  /** Looks at the secrets of the repository. */
  readonly secretsOf: () => Promise<SecretsReport>
}

/** Milliseconds for all checks of a flake. */
const FLAKE_MS = 24 * 3600_000
const DEFAULT_LINTER = '60s'
const LOG_BYTES = 1024 * 1024

/** Checks every host, and the repository. One host's failure is nobody else's; throws only when interrupted. */
export async function check(
  request: CheckRequest,
  ports: CheckPorts & { readonly date: () => Date }
): Promise<CheckReport> {
  const began = ports.now()
  const limit = pLimit(request.maxParallel)
  const hosts = limit.map(request.hosts, (host) => checkHost(host, ports))
  const [checked, repository] = await Promise.all([hosts, checkRepository(request, ports)])
  const steps = [...checked.flatMap((host) => host.steps), ...repository]
  const seconds = Math.round((ports.now() - began) / 100) / 10
  return { ok: allPass(steps), at: ports.date().toISOString(), seconds, hosts: checked, repository }
}

async function checkRepository(
  { flake, policy, secretsOf }: CheckRequest,
  ports: CheckPorts
): Promise<CheckStep[]> {
  const steps = [await timed('secrets of the repository', ports, () => repositorySecrets(secretsOf))]
  if (policy.flake !== false)
    steps.push(await timed('nix flake check', ports, () => flakeCheck(flake, ports)))
  for (const linter of policy.linters ?? [])
    steps.push(await timed(`linter ${linter.name}`, ports, () => lint(linter, flake, ports)))
  return steps
}

async function repositorySecrets(secretsOf: CheckRequest['secretsOf']) {
  const { ok, problems } = await secretsOf()
  const lines = problems.map(
    ({ host, path, message }) => `${host === null ? '' : `${host}: `}${path}: ${message}`
  )
  if (!ok) throw new BelayError('secrets-wrong', lines.join('\n'), { found: problems.length, wanted: 0 })
  if (problems.length > 0) return { result: 'warn' as const, message: lines.join('\n') }
  return { message: 'nothing wrong with them' }
}

async function flakeCheck(flake: string, { run, signal }: CheckPorts) {
  const argv = [...nixProgram, 'flake', 'check', '--keep-going', flake]
  const result = await run(argv, { timeoutMs: FLAKE_MS, signal, maxOutput: LOG_BYTES })
  signal.throwIfAborted()
  if (result.code === 0) return { message: 'nix flake check found nothing wrong' }
  throw new BelayError('check-failed', endOfLog(result), { found: result.code, wanted: 0, at: flake })
}

async function lint({ command, timeout = DEFAULT_LINTER }: Gate, flake: string, { run, signal }: CheckPorts) {
  const folder = flakeFolder(flake)
  const result = await run(command, {
    timeoutMs: secondsOf(timeout) * 1000,
    signal,
    maxOutput: LOG_BYTES,
    ...(folder === null ? {} : { cwd: folder })
  })
  signal.throwIfAborted()
  if (result.code === 0) return { message: `${command[0]} has nothing to say` }
  const said = [result.stdout.trim().split('\n').slice(-20).join('\n'), endOfLog(result)].filter(Boolean)
  const text = said.join('\n') || `${command[0]} ended with ${result.code}`
  throw new BelayError('check-failed', text, { found: result.code, wanted: 0, at: command[0] ?? '' })
}
