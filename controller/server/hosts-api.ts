import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { HostDetail, HostSummary } from '../../shared/api/controller.ts'
import { ref } from '../../shared/api/schemas.ts'
import { hostOf } from './live-fleet.ts'
import type { ControllerParts } from './parts.ts'
import { summariesOf, summaryOfHost } from './summaries.ts'

const Name = Type.Object({ name: Type.String({ maxLength: 200, description: 'Host name' }) })
const observe = { config: { role: 'observe' as const } }
const tags = ['hosts']

/** Hosts, and the inventory they are from. */
export const hostsApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, parts) => {
  const { fleet, keeper } = parts
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
      const host = hostOf(fleet, request.params.name)
      return { summary: summaryOfHost(host, parts), state: keeper.stateOf(host.name) }
    }
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
