import { CheckState } from '../../shared/api/checks.ts'
import { controllerSchemas } from '../../shared/api/controller.ts'
import { Hold } from '../../shared/api/hold.ts'
import { HomeState } from '../../shared/api/home.ts'
import { RolloutPlan } from '../../shared/api/rollout.ts'
import { Host, Operation, Problem, ProfileState } from '../../shared/api/schemas.ts'
import { Soak } from '../../shared/api/soak.ts'
import { codeOf } from '../../shared/errors.ts'
import type { App } from '../../shared/server/empty-app.ts'
import { emptyApp } from '../../shared/server/empty-app.ts'
import type { Logger } from '../../shared/server/log.ts'
import { authorise, callerOf, knownCaller } from './caller.ts'
import { eventsApi } from './events-api.ts'
import { fleetLockApi, rebootLocksApi } from './fleet-lock-api.ts'
import { hostsApi } from './hosts-api.ts'
import type { ProbeParts } from './probes-api.ts'
import { probesApi } from './probes-api.ts'
import type { RequestRate } from './request-rate.ts'
import { proposalsApi, rolloutsApi, startApi } from './rollouts-api.ts'
import { verdictsApi } from './verdicts-api.ts'
import { wordsApi } from './words-api.ts'

/** What the app needs besides what its routes need. */
export interface ControllerAppOptions extends ProbeParts {
  readonly logger: Logger
  readonly rate: RequestRate
  /** Called first, to describe the routes; the running daemon describes nothing. */
  readonly describe?: (app: App) => Promise<void>
}

const components = [
  ...[Host, HomeState, ProfileState, Operation, CheckState, Soak, Hold, Problem, RolloutPlan],
  ...controllerSchemas
]

const apis = [hostsApi, verdictsApi, rolloutsApi, startApi, wordsApi, proposalsApi, eventsApi, rebootLocksApi]

/** The API as one app; sockets with roles, and TLS, are put in front of it by `listen`. */
export async function buildController(options: ControllerAppOptions): Promise<App> {
  const { logger, metrics, rate } = options
  const judge = authorise(options.store.tokens, options.now)
  const judgeAndCount: typeof judge = (request, needed) => {
    try {
      judge(request, needed)
    } catch (error) {
      rate.refuse(request, knownCaller(request))
      throw error
    }
    rate.admit(request, callerOf(request))
  }
  const app = emptyApp({
    logger,
    components,
    authorise: (request, needed) => {
      try {
        judgeAndCount(request, needed)
      } catch (error) {
        metrics.refused(codeOf(error))
        throw error
      }
    }
  })
  app.addHook('onRequest', async (request) => {
    if (request.is404) rate.refuse(request, undefined)
  })
  app.addHook('onSend', async (request, reply) => {
    // A second gives one request at least.
    if (rate.refused(request)) reply.header('retry-after', '1')
    // Who is let in by nobody keeps no place at the listener, which one request a minute would otherwise do.
    const fromElsewhere = request.raw.socket.remoteAddress !== undefined
    if (fromElsewhere && knownCaller(request) === undefined) reply.header('connection', 'close')
  })
  // What changes something stands in the log under the identity that the audit has.
  app.addHook('onResponse', async (request, reply) => {
    const caller = knownCaller(request)
    if (request.method === 'GET' || caller === undefined) return
    const { name, role } = caller
    const about = { request: request.id, method: request.method, url: request.url, principal: name, role }
    logger.info({ ...about, status: reply.statusCode }, 'asked')
  })
  await options.describe?.(app)
  for (const api of apis) await app.register(api, { ...options, prefix: '/v1' })
  await app.register(fleetLockApi, options)
  await app.register(probesApi, options)
  await app.ready()
  return app
}
