import { Type } from 'typebox'
import { CheckState } from '../../shared/api/checks.ts'
import { HomeState } from '../../shared/api/home.ts'
import { Plan, PreviewRequest } from '../../shared/api/plan.ts'
import {
  ConfirmRequest,
  Generation,
  Host,
  Operation,
  OperationRequest,
  Problem,
  ProfileState,
  RollbackRequest
} from '../../shared/api/schemas.ts'
import { soakSchemas } from '../../shared/api/soak.ts'
import { BelayError } from '../../shared/errors.ts'
import type { App } from '../../shared/server/empty-app.ts'
import { emptyApp } from '../../shared/server/empty-app.ts'
import type { Logger } from '../../shared/server/log.ts'
import { CheckEvidence, Evidence, Gap, Reboot } from '../../shared/verdict/evidence.ts'
import { VERSION } from '../../shared/version.ts'
import type { ApprovalsApiOptions } from './approvals-api.ts'
import { approvalComponents, approvalsApi } from './approvals-api.ts'
import { logAudit } from './audit.ts'
import { atLeast, callerOf, identify } from './caller.ts'
import { certificateApi, certificateComponents } from './certificate-api.ts'
import { checksApi } from './checks-api.ts'
import type { DesiredApiOptions } from './desired-api.ts'
import { desiredApi, desiredComponents } from './desired-api.ts'
import { operationWordsApi } from './operation-words-api.ts'
import { holdApi, preflightApi, preflightComponents } from './preflight-api.ts'
import { previewApi } from './preview-api.ts'
import { profileHoldApi } from './profile-hold-api.ts'
import type { ApiOptions } from './routes.ts'
import { eventApi, hostApi, operationApi, operationReadingApi } from './routes.ts'
import { ledgerApi, soakApi } from './soak-api.ts'

/** What the app needs besides what its routes need. */
export interface AppOptions extends ApiOptions, ApprovalsApiOptions, DesiredApiOptions {
  readonly logger: Logger
  readonly metrics: () => Promise<string>
  readonly ready: () => boolean
  /** Called first, to describe the routes; the running agent describes nothing. */
  readonly describe?: (app: App) => Promise<void>
}

const components = [
  ...preflightComponents,
  Host,
  HomeState,
  ProfileState,
  Generation,
  Operation,
  OperationRequest,
  RollbackRequest,
  ConfirmRequest,
  CheckState,
  Problem,
  PreviewRequest,
  Plan,
  ...approvalComponents,
  ...desiredComponents,
  ...certificateComponents,
  ...soakSchemas,
  ...[CheckEvidence, Gap, Reboot, Evidence]
]

/** The API as one app; sockets with roles are put in front of it by `listen`. */
export async function buildApp(options: AppOptions): Promise<App> {
  const app = emptyApp({
    logger: options.logger,
    components,
    authorise: (request, needed) => {
      identify(request.raw, request.id)
      const { role } = callerOf(request.raw)
      if (needed !== 'approve' && atLeast(role, needed)) return
      throw new BelayError('role-too-low', `this needs the ${needed} socket`, { found: role, wanted: needed })
    }
  })
  app.addHook('onResponse', async (request, reply) => logAudit(options.logger, request, reply.statusCode))
  await options.describe?.(app)
  await app.register(hostApi, { ...options, prefix: '/v1' })
  await app.register(operationReadingApi, { ...options, prefix: '/v1' })
  await app.register(eventApi, { ...options, prefix: '/v1' })
  await app.register(previewApi, { ...options, prefix: '/v1' })
  await app.register(operationApi, { ...options, prefix: '/v1' })
  await app.register(operationWordsApi, { ...options, prefix: '/v1' })
  await app.register(approvalsApi, { ...options, prefix: '/v1' })
  await app.register(desiredApi, { ...options, prefix: '/v1' })
  await app.register(certificateApi, { ...options, prefix: '/v1' })
  if (options.soak) {
    await app.register(soakApi, { settings: options.settings, soak: options.soak, prefix: '/v1' })
    await app.register(ledgerApi, { settings: options.settings, soak: options.soak, prefix: '/v1' })
  }
  await app.register(checksApi, { ...options, prefix: '/v1' })
  await app.register(holdApi, { ...options, prefix: '/v1' })
  await app.register(profileHoldApi, { ...options, prefix: '/v1' })
  await app.register(preflightApi, { ...options, prefix: '/v1' })
  addProbes(app, options)
  await app.ready()
  return app
}

function addProbes(app: App, { metrics, ready }: AppOptions): void {
  const config = { role: 'observe' as const }
  const Probe = Type.Object({
    status: Type.String({ description: 'ok or starting' }),
    version: Type.String({ description: 'Version of the agent' })
  })
  const schema = { tags: ['probes'], response: { 200: Probe, 503: Probe } }
  app.get('/livez', { config, schema: { ...schema, summary: 'The agent answers' } }, async () => ({
    status: 'ok',
    version: VERSION
  }))
  app.get(
    '/readyz',
    { config, schema: { ...schema, summary: 'The agent has taken up unfinished operations' } },
    async (_, reply) => {
      if (ready()) return { status: 'ok', version: VERSION }
      return reply.code(503).send({ status: 'starting', version: VERSION })
    }
  )
  app.get(
    '/metrics',
    { config, schema: { tags: ['probes'], summary: 'Metrics in the Prometheus text format' } },
    async (_, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics())
  )
}
