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
import type { Role } from '../shared/api/schemas.ts'
import { roles } from '../shared/api/schemas.ts'
import { VERSION } from '../shared/version.ts'
import { putBetween } from './put-between.ts'

/** Writes openapi/agent.json and the table of SECURITY.md from the routes. Nothing is called: host, operations and soak are only promised. */
const app = await buildApp({
  settings: parseSettings('{}', 'defaults'),
  bootId: '',
  host: {} as Host,
  operations: {} as Operations,
  approvals: {} as Approvals,
  soak: {} as Soak,
  checks: {} as Checks,
  logger: pino({ enabled: false }),
  metrics: async () => '',
  ready: () => true,
  describe: async (described) => {
    await described.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Belay agent',
          version: VERSION,
          description:
            'Local API of belay-agent on Unix sockets. The socket is the role: observe, operate or admin. Errors are problem details (RFC 9457) with a closed `code`.'
        }
      },
      refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `def-${i}`) }
    })
  }
})
interface Described {
  readonly paths: Record<string, Record<string, { readonly summary: string; readonly 'x-role': Role }>>
}
const described = (app as unknown as { swagger(): Described }).swagger()
await mkdir('openapi', { recursive: true })
await writeFile('openapi/agent.json', `${JSON.stringify(described, null, 2)}\n`)
await app.close()

/** Which socket may call what, for SECURITY.md. */
const sockets = ['observe', 'operate', 'admin'] as const
const rows = Object.entries(described.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { summary, 'x-role': role }]) => {
    const may = sockets.map((socket) => (roles.indexOf(socket) >= roles.indexOf(role) ? 'yes' : 'no'))
    return `| \`${method.toUpperCase()} ${path}\` | ${summary} | ${may.join(' | ')} |`
  })
)
const head = [`| Route | | ${sockets.join(' | ')} |`, `|---|---|${'---|'.repeat(sockets.length)}`]
await putBetween('SECURITY.md', 'routes', 'npm run openapi', [...head, ...rows].join('\n'))
