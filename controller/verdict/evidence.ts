import { readFile, stat } from 'node:fs/promises'
import { BelayError } from '../../shared/errors.ts'
import type { Evidence } from '../../shared/verdict/evidence.ts'
import { parseEvidence } from '../../shared/verdict/parse.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { promql } from '../monitor/promql.ts'
import { hostClient } from '../transport/host-client.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { evidenceFromPrometheus } from './prometheus/evidence.ts'

/** Milliseconds for one host, so that a silent one does not hold up the others. */
const HOST_TIMEOUT = 30_000
/** Milliseconds for all questions about one host. */
const ENGINE_TIMEOUT = 120_000
/** Bytes of an evidence file that are read. */
const MAX_BYTES = 64 * 1024 * 1024

/**
 * Asks the agent of a host, or the Prometheus that the fleet file names for it. Throws `host-unreachable`,
 * `invalid-evidence`, or what agent or Prometheus say.
 */
export async function evidenceOfHost(
  host: FleetHost,
  openTunnel: OpenTunnel,
  signal: AbortSignal,
  now: number
): Promise<Evidence> {
  const prometheus = host.soak.evidence === 'prometheus'
  const timeoutMs = prometheus ? ENGINE_TIMEOUT : HOST_TIMEOUT
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    if (prometheus) return await ofPrometheus(host, limit, now)
    await using tunnel = await openTunnel(host, limit)
    const answer = await hostClient(tunnel.socketPath, HOST_TIMEOUT).soakEvidence()
    return ofHost(parseEvidence(answer, host.name), host, 'it')
  } catch (cause) {
    signal.throwIfAborted()
    if (!limit.aborted) throw cause
    const text = `${host.name}: no answer within ${timeoutMs / 1000} s`
    throw new BelayError('host-unreachable', text, { cause })
  }
}

async function ofPrometheus(host: FleetHost, signal: AbortSignal, now: number): Promise<Evidence> {
  const { name, presence, metrics } = host
  if (metrics === null) {
    const text = `${name}: its soak asks for evidence of a Prometheus, and monitoring.prometheus is missing`
    throw new BelayError('invalid-fleet-file', text, { wanted: 'monitoring.prometheus' })
  }
  return await evidenceFromPrometheus(promql(metrics, signal), { name, presence, metrics }, now)
}

/** Reads evidence that was kept in a file. Throws `invalid-evidence`. */
export async function evidenceOfFile(file: string, host: FleetHost): Promise<Evidence> {
  try {
    if ((await stat(file)).size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`)
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return ofHost(parseEvidence(value, file), host, file)
  } catch (cause) {
    if (cause instanceof BelayError) throw cause
    throw new BelayError('invalid-evidence', `${file}: ${(cause as Error).message}`, { cause, at: file })
  }
}

/** Evidence of one host never judges another. */
export function ofHost(evidence: Evidence, host: FleetHost, from: string): Evidence {
  if (evidence.host === host.name) return evidence
  const text = `${host.name}: ${from} has evidence of another host, ${JSON.stringify(evidence.host)}`
  throw new BelayError('invalid-evidence', text, { found: evidence.host, wanted: host.name })
}
