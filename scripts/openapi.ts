import { mkdir, writeFile } from 'node:fs/promises'
import swagger from '@fastify/swagger'
import { pino } from 'pino'
import { buildApp } from '../agent/api/app.ts'
import { parseSettings } from '../agent/config/settings.ts'
import type { DesiredKeeper } from '../agent/desired/desired.ts'
import type { Checks } from '../agent/health/checks.ts'
import type { Soak } from '../agent/health/soak/soak.ts'
import type { Operations } from '../agent/operation/operations.ts'
import type { Host } from '../agent/platform/platform.ts'
import type { Approvals } from '../agent/security/approvals.ts'
import type { ControllerAppOptions } from '../controller/server/app.ts'
import { buildController } from '../controller/server/app.ts'
import { controllerRoles } from '../controller/server/caller.ts'
import type { App } from '../shared/server/empty-app.ts'
import type { ApiRole } from '../shared/server/role.ts'
import { VERSION } from '../shared/version.ts'
import { putBetween } from './put-between.ts'

/** Writes openapi/*.json from the schemas. Nothing is called: what the routes answer from is only promised. */
function describeAs(title: string, description: string) {
  return async (described: App): Promise<void> => {
    await described.register(swagger, {
      openapi: { openapi: '3.1.0', info: { title, version: VERSION, description } },
      refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `def-${i}`) }
    })
  }
}

interface Described {
  readonly paths: Record<string, Record<string, { readonly summary: string; readonly 'x-role': ApiRole }>>
}

async function write(app: App, file: string): Promise<Described> {
  const description = (app as unknown as { swagger(): Described }).swagger()
  await writeFile(`openapi/${file}`, `${JSON.stringify(description, null, 2)}\n`)
  await app.close()
  return description
}

/** The agent's roles stand in the same order. */
const order: readonly ApiRole[] = controllerRoles

/** Who may call what, for SECURITY.md: a column for each role. */
async function tell({ paths }: Described, name: string, columns: readonly ApiRole[]): Promise<void> {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, 'x-role': role }]) => {
      const may = columns.map((own) => (order.indexOf(own) >= order.indexOf(role) ? 'yes' : 'no'))
      return `| \`${method.toUpperCase()} ${path}\` | ${summary} | ${may.join(' | ')} |`
    })
  )
  const head = [`| Route | | ${columns.join(' | ')} |`, `|---|---|${'---|'.repeat(columns.length)}`]
  await putBetween('SECURITY.md', name, 'npm run openapi', [...head, ...rows].join('\n'))
}

const logger = pino({ enabled: false })
const agent = await buildApp({
  settings: parseSettings('{}', 'defaults'),
  bootId: '',
  host: {} as Host,
  operations: {} as Operations,
  approvals: {} as Approvals,
  desired: {} as DesiredKeeper,
  soak: {} as Soak,
  checks: {} as Checks,
  logger,
  metrics: async () => '',
  ready: () => true,
  describe: describeAs(
    'Belay agent',
    'Local API of belay-agent on Unix sockets. The socket is the role: observe, propose, operate or admin. Errors are problem details (RFC 9457) with a closed `code`.'
  )
})

const controller = await buildController({
  ...({ store: {} } as ControllerAppOptions),
  logger,
  describe: describeAs(
    'Belay controller',
    'API of belay serve: on Unix sockets, where the socket is the role (observe, propose, approve, operate, admin), and over TLS with a client certificate or a bearer token. Errors are problem details (RFC 9457) with a closed `code`.'
  )
})
await mkdir('openapi', { recursive: true })
await tell(await write(agent, 'agent.json'), 'routes', ['observe', 'propose', 'operate', 'admin'])
await tell(await write(controller, 'controller.json'), 'routes of the controller', controllerRoles)
