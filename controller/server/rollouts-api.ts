import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  ProposalRequest,
  ProposalView,
  RolloutDetail,
  RolloutEntry,
  StartRolloutRequest
} from '../../shared/api/controller.ts'
import { RolloutPlan } from '../../shared/api/rollout.ts'
import { ref } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { admit, checkPlan } from '../rollout/admit.ts'
import { chooseRollout, reportOf } from '../rollout/report.ts'
import { callerOf, controllerRoles } from './caller.ts'
import type { ControllerParts } from './parts.ts'
import { authorOf } from './parts.ts'

/** Bytes of a plan: ten thousand hosts need some 6 MB. */
const MAX_PLAN = 32 * 1024 * 1024

export const RolloutId = Type.Object({
  id: Type.String({ maxLength: 40, description: 'Identity; `current` is the one under way, else the newest' })
})
const tags = ['rollouts']
const observe = { config: { role: 'observe' as const } }

/** The rollout that a path names. */
export const rolloutOf = ({ store }: Pick<ControllerParts, 'store'>, id: string): string =>
  chooseRollout(store, id === 'current' ? undefined : id)

/** Reading rollouts. */
export const rolloutsApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, parts) => {
  const { store, driver } = parts
  const list = Type.Object({ rollouts: Type.Array(ref(RolloutEntry), { description: 'Newest first' }) })
  app.get(
    '/rollouts',
    { ...observe, schema: { tags, summary: 'Rollouts, ended ones too', response: { 200: list } } },
    async () => ({ rollouts: [...store.rollouts()] })
  )
  app.get(
    '/rollouts/:id',
    {
      ...observe,
      schema: {
        ...{ tags, summary: 'Where a rollout is, and why each host does not move' },
        ...{ params: RolloutId, response: { 200: ref(RolloutDetail) } }
      }
    },
    async (request) => {
      const id = rolloutOf(parts, request.params.id)
      const { status, stages, hosts, records } = reportOf(store, id)
      const { rollout, problem } = driver.state
      const driving = rollout === id
      const lists = { stages: [...stages], hosts: [...hosts], records: [...records] }
      return { id, status, ...lists, driving, problem: driving ? problem : null }
    }
  )
  app.get(
    '/rollouts/:id/plan',
    {
      ...observe,
      schema: {
        ...{ tags, summary: 'The plan of a rollout' },
        ...{ params: RolloutId, response: { 200: ref(RolloutPlan) } }
      }
    },
    async (request) => store.plan(rolloutOf(parts, request.params.id))
  )
}

/** Starting rollouts. */
export const startApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, { store, fleet, now }) => {
  app.post(
    '/rollouts',
    {
      config: { role: 'approve' as const },
      bodyLimit: MAX_PLAN,
      schema: {
        tags,
        summary: 'Start a rollout',
        description:
          'Of a plan, with the role operate; of a proposal, with approve. The same plan again is the same rollout.',
        body: ref(StartRolloutRequest),
        response: { 201: ref(RolloutEntry) }
      }
    },
    async (request, reply) => {
      const { plan: given, proposal, supersede, reason } = request.body
      if ((given === undefined) === (proposal === undefined)) {
        throw new BelayError('invalid-request', 'name either a plan or a proposal', { wanted: 'one of them' })
      }
      const { role } = callerOf(request)
      if (given !== undefined && controllerRoles.indexOf(role) < controllerRoles.indexOf('operate')) {
        const text = 'a plan of your own needs the role operate; approve starts what was proposed'
        throw new BelayError('role-too-low', text, { found: role, wanted: 'operate' })
      }
      const plan = given === undefined ? store.proposal(proposal ?? '') : checkPlan(given, 'plan')
      if (plan === null) {
        throw new BelayError('proposal-unknown', `no proposal ${JSON.stringify(proposal)}`, {
          found: proposal
        })
      }
      const strange = plan.hosts.find(({ name }) => !fleet.hosts.has(name))
      if (strange !== undefined) {
        const text = `${strange.name} is in the plan, and not in the fleet file of this daemon`
        throw new BelayError('invalid-rollout', text, { found: strange.name, wanted: fleet.file })
      }
      const id = admit(plan, authorOf(request, now, reason), supersede === true, store)
      const entry = store.rollouts().find((each) => each.id === id)
      if (entry === undefined) throw new BelayError('internal', `rollout ${id} was not kept`)
      return reply.code(201).header('location', `/v1/rollouts/${id}`).send(entry)
    }
  )
}

/** Plans that wait for a person. */
export const proposalsApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, { store, now }) => {
  const list = Type.Object({ proposals: Type.Array(ref(ProposalView), { description: 'Newest first' }) })
  app.get(
    '/proposals',
    { ...observe, schema: { tags, summary: 'Plans that were proposed', response: { 200: list } } },
    async () => ({ proposals: [...store.proposals()] })
  )
  app.post(
    '/proposals',
    {
      config: { role: 'propose' as const },
      bodyLimit: MAX_PLAN,
      schema: {
        ...{ tags, summary: 'Propose a plan', description: 'Nothing begins before a person starts it.' },
        ...{ body: ref(ProposalRequest), response: { 201: ref(ProposalView) } }
      }
    },
    async (request, reply) => {
      const plan = checkPlan(request.body.plan, 'plan')
      const by = callerOf(request)
      const at = new Date(now()).toISOString()
      const proposal = { plan: plan.id, at, principal: by.name, reason: request.body.reason ?? null }
      store.propose(plan, proposal, by)
      return reply.code(201).send(proposal)
    }
  )
}
