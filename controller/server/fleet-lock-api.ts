import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { RebootLockView } from '../../shared/api/controller.ts'
import { ref } from '../../shared/api/schemas.ts'
import { BelayError, codeOf, describeError, errorCodes } from '../../shared/errors.ts'
import type { HostView } from '../rollout/views.ts'
import type { LockRequest } from './budget.ts'
import { refuseReboot } from './budget.ts'
import type { Caller } from './caller.ts'
import { callerOf, controllerRoles } from './caller.ts'
import type { ControllerParts } from './parts.ts'

/** What FleetLock clients send. Clients of other makes may send more. */
const LockBody = Type.Object(
  {
    client_params: Type.Object({
      id: Type.String({ minLength: 1, maxLength: 200, description: 'Name of the host' }),
      group: Type.String({
        pattern: '^[A-Za-z0-9.-]{1,100}$',
        description: 'default, or a role or tag of the host'
      })
    })
  },
  { $id: 'FleetLockRequest', description: 'Body of the FleetLock protocol' }
)

const Answer = Type.Object({
  kind: Type.String({ description: 'A code, as in problem details' }),
  value: Type.String({ description: 'In words' })
})

/** The FleetLock protocol: who reboots asks first, and gives the lock back. */
export const fleetLockApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, parts) => {
  const { store, now } = parts
  app.addSchema(LockBody)
  // The protocol has its own form of an error.
  app.setErrorHandler((error, request, reply) => {
    const code = codeOf(error)
    const known = error instanceof BelayError
    const status = known ? errorCodes[code] : ((error as { statusCode?: number }).statusCode ?? 500)
    if (status >= 500) request.log.error({ err: error }, 'request failed')
    const kind = known || status >= 500 ? code : 'invalid-request'
    return reply.code(status).send({ kind, value: status >= 500 ? 'internal error' : describeError(error) })
  })
  app.addHook('preHandler', async (request) => {
    if (request.method === 'POST' && request.headers['fleet-lock-protocol'] !== 'true') {
      throw new BelayError('invalid-request', 'the header fleet-lock-protocol: true is missing', {
        wanted: 'fleet-lock-protocol: true'
      })
    }
  })
  const schema = { tags: ['reboots'], body: ref(LockBody), response: { 200: Answer } }
  const config = { role: 'propose' as const, hosts: true }
  app.post(
    '/v1/pre-reboot',
    { config, schema: { ...schema, summary: 'FleetLock: may this host reboot now?' } },
    async (request) => {
      const wanted = requestOf(request.body.client_params, callerOf(request))
      const locks = store.locks()
      const availability = { hosts: parts.fleet.hosts, policy: parts.fleet.inventory().policy, locks }
      const { summaries } = parts.keeper
      const refusal = refuseReboot(wanted, { ...availability, views: viewsOf(parts), summaries })
      if (refusal !== null) throw refusal
      const { host, group } = wanted
      if (!locks.some((lock) => lock.host === host)) {
        store.lock({ host, group, at: new Date(now()).toISOString() }, callerOf(request))
      }
      return { kind: 'granted', value: `${host} may reboot` }
    }
  )
  app.post(
    '/v1/steady-state',
    { config, schema: { ...schema, summary: 'FleetLock: this host is back' } },
    async (request) => {
      const { host } = requestOf(request.body.client_params, callerOf(request))
      store.unlock(host, new Date(now()).toISOString(), callerOf(request))
      return { kind: 'released', value: `${host} holds no lock` }
    }
  )
}

/** A token or certificate below operate is that of one host, and speaks for that host alone. */
function requestOf(params: { readonly id: string; readonly group: string }, caller: Caller): LockRequest {
  const strong = controllerRoles.indexOf(caller.role) >= controllerRoles.indexOf('operate')
  if (caller.holder !== null && !strong && caller.holder !== params.id) {
    throw new BelayError('role-too-low', `the ${caller.name} may lock the host of its name alone`, {
      found: params.id,
      wanted: caller.holder
    })
  }
  return { host: params.id, group: params.group }
}

function viewsOf({ store }: Pick<ControllerParts, 'store'>): HostView[] {
  const active = store.active()
  if (active === null) return []
  return [...store.views(active)].flatMap(([name, view]) =>
    name.startsWith('host ') ? [view as HostView] : []
  )
}

/** Locks, and taking one from a host that does not come back. */
export const rebootLocksApi: FastifyPluginAsyncTypebox<ControllerParts> = async (app, { store, now }) => {
  const list = Type.Object({ locks: Type.Array(ref(RebootLockView), { description: 'Oldest first' }) })
  const tags = ['reboots']
  app.get(
    '/reboot-locks',
    {
      config: { role: 'observe' as const },
      schema: { tags, summary: 'Hosts that may reboot', response: { 200: list } }
    },
    async () => ({ locks: [...store.locks()] })
  )
  app.delete(
    '/reboot-locks/:name',
    {
      config: { role: 'operate' as const },
      schema: {
        ...{ tags, summary: 'Take the lock of a host that does not come back' },
        params: Type.Object({ name: Type.String({ maxLength: 200, description: 'Host name' }) }),
        response: { 200: list }
      }
    },
    async (request) => {
      store.unlock(request.params.name, new Date(now()).toISOString(), callerOf(request))
      return { locks: [...store.locks()] }
    }
  )
}
