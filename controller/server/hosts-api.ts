import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { HostDetail, HostSummary, HostVerdictSummary } from '../../shared/api/controller.ts'
import { ref } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { judgeHost } from '../collector/verdict-round.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { didYouMean } from '../inventory/suggest.ts'
import type { ControllerParts } from './parts.ts'
import { summariesOf, summaryOfHost } from './summaries.ts'

const Name = Type.Object({ name: Type.String({ maxLength: 200, description: 'Host name' }) })
const observe = { config: { role: 'observe' as const } }
const tags = ['hosts']

/** Hosts, the inventory they are from, and the verdicts on them. */
export const hostsApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, parts) => {
  const { fleet, keeper } = parts
  const hostOf = (name: string): FleetHost => {
    const host = fleet.hosts.get(name)
    if (host !== undefined) return host
    const hint = didYouMean(name, [...fleet.hosts.keys()])
    throw new BelayError('host-unknown', `no host ${JSON.stringify(name)}${hint}`, { found: name })
  }
  const list = Type.Object({ hosts: Type.Array(ref(HostSummary), { description: 'As in the fleet file' }) })
  app.get(
    '/hosts',
    { ...observe, schema: { tags, summary: 'Every host as it was last heard', response: { 200: list } } },
    async () => ({ hosts: summariesOf(parts) })
  )
  app.get(
    '/hosts/:name',
    {
      ...observe,
      schema: {
        ...{ tags, summary: 'All that is kept of one host', params: Name },
        response: { 200: ref(HostDetail) }
      }
    },
    async (request) => {
      const host = hostOf(request.params.name)
      return { summary: summaryOfHost(host, parts), state: keeper.stateOf(host.name) }
    }
  )
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
      const signal = AbortSignal.timeout(30_000)
      const { collector, now } = parts
      const at = { fleetFile: fleet.file, lend: collector.lend, now, signal }
      return await judgeHost(hostOf(request.params.name), at)
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
  const inventory = Type.Object({
    hosts: Type.Array(Type.Unknown(), { description: 'Each host with its facts, and who says so' }),
    remarks: Type.Array(Type.String(), { description: 'What is odd about it' }),
    problem: Type.Union([Type.String(), Type.Null()], {
      description: 'Why the fleet file as it is now is not used; null when it is'
    })
  })
  app.get(
    '/inventory',
    {
      ...observe,
      schema: { tags, summary: 'The inventory, and where each fact comes from', response: { 200: inventory } }
    },
    async () => {
      const { hosts, remarks } = fleet.inventory()
      return { hosts: [...hosts], remarks: [...remarks], problem: fleet.problem() }
    }
  )
}
