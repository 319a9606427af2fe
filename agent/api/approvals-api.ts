import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Approval, ApprovalRequest, RevokeRequest } from '../../shared/api/approval.ts'
import { ref } from '../../shared/api/schemas.ts'
import { approvalIdPattern } from '../../shared/approval.ts'
import type { DesiredKeeper } from '../desired/desired.ts'
import type { Approvals } from '../security/approvals.ts'
import { callerOf } from './caller.ts'

/** What the routes need. */
export interface ApprovalsApiOptions {
  readonly approvals: Approvals
  /** May have waited for an approval, or for the end of a hold. */
  readonly desired: DesiredKeeper
}

/** Schemas of these routes, by their names. */
export const approvalComponents = [Approval, ApprovalRequest, RevokeRequest]

const Id = Type.Object({
  id: Type.String({ pattern: approvalIdPattern, description: 'Identity of the approval' })
})

/** Approvals: what is signed counts, whoever brings it. */
export const approvalsApi: FastifyPluginAsyncTypebox<ApprovalsApiOptions> = async (
  app,
  { approvals, desired }
) => {
  const schema = { tags: ['approvals'] }
  const list = Type.Object({ approvals: Type.Array(ref(Approval), { description: 'Newest first' }) })
  app.get(
    '/approvals',
    {
      config: { role: 'observe' as const },
      schema: { ...schema, summary: 'Approvals of this host, used ones too', response: { 200: list } }
    },
    async () => ({ approvals: [...(await approvals.list())] })
  )
  app.post(
    '/approvals',
    {
      config: { role: 'propose' as const },
      schema: {
        ...schema,
        summary: 'Hand a signed approval in',
        description: 'The signature decides, not the caller. The same approval again is the same.',
        body: ref(ApprovalRequest),
        response: { 201: ref(Approval) }
      }
    },
    async (request, reply) => {
      const approval = await approvals.receive(request.body.approval)
      void desired.nudge()
      return reply.code(201).send(approval)
    }
  )
  app.delete(
    '/approvals/:id',
    {
      config: { role: 'operate' as const },
      schema: {
        ...schema,
        summary: 'Take an approval back that is not used yet',
        params: Id,
        body: ref(RevokeRequest),
        response: { 200: ref(Approval) }
      }
    },
    async (request) =>
      approvals.revoke(request.params.id, request.body.reason, callerOf(request.raw).principal)
  )
}
