import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Fastify, { LogController } from 'fastify'
import type { TSchema } from 'typebox'
import { BelayError } from '../errors.ts'
import { compilersFactory } from './compilers.ts'
import type { Logger } from './log.ts'
import { sendProblem } from './problem.ts'
import { REQUEST_ID_HEADER, requestId } from './request-id.ts'
import type { ApiRole } from './role.ts'

/** What every API here has of its own. */
export interface EmptyAppOptions {
  readonly logger: Logger
  /** Schemas that are used by their names. */
  readonly components: readonly TSchema[]
  /** Throws unless the caller has at least the role. */
  readonly authorise: (request: FastifyRequest, needed: ApiRole) => void
}

/** An app with limits that suit what may switch systems: nothing is repaired silently, nothing is unbounded. */
function bareApp(logger: Logger) {
  return Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    requestTimeout: 8000,
    genReqId: requestId,
    routerOptions: { maxParamLength: 200 },
    schemaController: { compilersFactory },
    // What fails before a route is found, such as a bad percent-encoding. No hook judges or counts it: it costs its connection.
    frameworkErrors: (error, request, reply) =>
      sendProblem(error, request, withHeaders(request, reply).header('connection', 'close')),
    // Errors of a response are ours: they must not be dressed up as a good answer.
    exposeHeadRoutes: false
  }).withTypeProvider<TypeBoxTypeProvider>()
}
export type App = ReturnType<typeof bareApp>

/** An app without routes: problem details for every error, and a role for every route. */
export function emptyApp({ logger, components, authorise }: EmptyAppOptions): App {
  const app = bareApp(logger)
  for (const schema of components) app.addSchema(schema)
  // JSON only: Fastify would hand text over as a string.
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler((request, reply) => {
    const found = `${request.method} ${request.url.slice(0, 200)}`
    return sendProblem(new BelayError('not-found', `no such resource: ${found}`, { found }), request, reply)
  })
  app.addHook('onRoute', (route) => {
    const { method, url, config } = route
    const role = config?.role
    if (role === undefined) throw new BelayError('internal', `${method} ${url} names no role`, { at: url })
    route.schema = { ...route.schema, 'x-role': role }
  })
  app.addHook('onRequest', async (request) => {
    if (!request.is404) authorise(request, request.routeOptions.config.role ?? 'admin')
  })
  app.addHook('onSend', async (request, reply) => void withHeaders(request, reply))
  return app
}

/** What every answer says. */
function withHeaders(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.headers({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    [REQUEST_ID_HEADER]: request.id
  })
}
