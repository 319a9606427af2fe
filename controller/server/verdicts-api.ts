import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { HostVerdictSummary, KeptEvidenceView } from '../../shared/api/controller.ts'
import { ref } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { judgeHost } from '../collector/verdict-round.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { hostOf } from './live-fleet.ts'
import type { ControllerParts } from './parts.ts'

const Name = Type.Object({ name: Type.String({ maxLength: 200, description: 'Host name' }) })
const observe = { config: { role: 'observe' as const } }

/** Milliseconds for one verdict; evidence of an engine is asked for in many questions. */
const VERDICT_TIMEOUT = 130_000

/** The connection to a host; one that did not answer last is not waited for. */
const lendTo =
  ({ collector, keeper }: ControllerParts): OpenTunnel =>
  async (host, signal) => {
    const last = keeper.summaries.get(host.name)
    if (last?.answers === false) {
      throw new BelayError('host-unreachable', `${host.name} did not answer last: ${last.error}`)
    }
    return await collector.lend(host, signal)
  }

/** Verdicts on hosts, and the evidence that is kept for when they are away. */
export const verdictsApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, parts) => {
  const { fleet, keeper } = parts
  app.get(
    '/hosts/:name/verdict',
    {
      ...observe,
      schema: {
        ...{ tags: ['verdicts'], summary: 'Judges one host now', params: Name },
        response: { 200: ref(HostVerdictSummary) }
      }
    },
    async (request) => {
      const signal = AbortSignal.timeout(VERDICT_TIMEOUT)
      const { store, now } = parts
      const note = (host: string, message: string) => request.log.warn({ host }, message)
      const at = { fleetFile: fleet.file, lend: lendTo(parts), now, signal, store, note }
      return await judgeHost(hostOf(fleet, request.params.name), at)
    }
  )
  app.get(
    '/hosts/:name/evidence',
    {
      ...observe,
      schema: {
        ...{ tags: ['verdicts'], summary: 'The evidence that is kept of one host', params: Name },
        response: { 200: ref(KeptEvidenceView) }
      }
    },
    async (request) => {
      const { name } = hostOf(fleet, request.params.name)
      const kept = parts.store.keptEvidence(name)
      if (kept !== null) return { ...kept }
      throw new BelayError('no-soak', `no evidence of ${name} was kept yet`, { found: name })
    }
  )
  const verdicts = Type.Object({
    verdicts: Type.Array(ref(HostVerdictSummary), { description: 'Of hosts that were judged' })
  })
  app.get(
    '/verdicts',
    {
      ...observe,
      schema: { tags: ['verdicts'], summary: 'The last verdict on each host', response: { 200: verdicts } }
    },
    async () => ({ verdicts: [...keeper.verdicts.values()] })
  )
}
