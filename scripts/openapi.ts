import { mkdir, writeFile } from 'node:fs/promises'
import swagger from '@fastify/swagger'
import { pino } from 'pino'
import { buildApp } from '../agent/api/app.ts'
import { parseSettings } from '../agent/config/settings.ts'
import type { Checks } from '../agent/health/checks.ts'
import type { Soak } from '../agent/health/soak/soak.ts'
import type { Operations } from '../agent/operation/operations.ts'
import type { Host } from '../agent/platform/platform.ts'
import type { Approvals } from '../agent/security/approvals.ts'
import type { ControllerAppOptions } from '../controller/server/app.ts'
import { buildController } from '../controller/server/app.ts'
import type { App } from '../shared/server/empty-app.ts'
import { VERSION } from '../shared/version.ts'

/** Writes openapi/*.json from the schemas. Nothing is called: what the routes answer from is only promised. */
function describeAs(title: string, description: string) {
  return async (described: App): Promise<void> => {
    await described.register(swagger, {
      openapi: { openapi: '3.1.0', info: { title, version: VERSION, description } },
      refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `def-${i}`) }
    })
  }
}

async function write(app: App, file: string): Promise<void> {
  const description = (app as unknown as { swagger(): unknown }).swagger()
  await writeFile(`openapi/${file}`, `${JSON.stringify(description, null, 2)}\n`)
  await app.close()
}

const logger = pino({ enabled: false })
const agent = await buildApp({
  settings: parseSettings('{}', 'defaults'),
  bootId: '',
  host: {} as Host,
  operations: {} as Operations,
  approvals: {} as Approvals,
  soak: {} as Soak,
  checks: {} as Checks,
  logger,
  metrics: async () => '',
  ready: () => true,
  describe: describeAs(
    'Belay agent',
    'Local API of belay-agent on Unix sockets. The socket is the role: observe, operate or admin. Errors are problem details (RFC 9457) with a closed `code`.'
  )
})

const controller = await buildController({
  ...({ store: {} } as ControllerAppOptions),
  logger,
  describe: describeAs(
    'Belay controller',
    'API of belay serve: on Unix sockets, where the socket is the role (observe, propose, approve, operate, admin), and over TLS with a bearer token. Errors are problem details (RFC 9457) with a closed `code`.'
  )
})
await mkdir('openapi', { recursive: true })
await write(agent, 'agent.json')
await write(controller, 'controller.json')
