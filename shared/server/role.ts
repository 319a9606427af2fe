import type { Role } from '../api/schemas.ts'

/** Roles of any API here; `approve` is one of the controller's alone. */
export type ApiRole = Role | 'approve'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Least role that may call the route. A server with a route that names none does not start. */
    role?: ApiRole
    /** The certificate of a host may call it, for itself. */
    hosts?: boolean
    /** Counts in no limit of requests: it stops what is under way. */
    unlimited?: boolean
  }
  interface FastifySchema {
    /** The least role once more, for the description of the API. */
    'x-role'?: ApiRole
  }
}
