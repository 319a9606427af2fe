import { mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { ApproveRequest, ToSign } from '../../../controller/approval/approve.ts'
import { approve } from '../../../controller/approval/approve.ts'
import { toSignView } from '../../../controller/cli/views/approvals.ts'
import { painter } from '../../../controller/cli/views/text.ts'
import type { OpenTunnel } from '../../../controller/transport/tunnel.ts'
import { parseApproval } from '../../../shared/approval.ts'
import { runCommand } from '../../../shared/command.ts'
import { keyRing } from '../../agent/security/keys.ts'
import { approval } from '../../shared/approvals.ts'
import { plan } from '../../shared/plans.ts'
import { fleetHost, storePath } from '../fakes/fleet-host.ts'

const changes = {
  reboot: { required: false, recommended: true, causes: [{ what: 'kernel', from: '6.1', to: '6.2' }] }
}
const now = plan({ ...changes, from: storePath('a'), to: storePath('b') })

const identity = {
  ...{ platform: 'nixos', system: 'x86_64-linux', bootId: 'b', agentVersion: '0.1.0', hold: null },
  profiles: []
}

/** A host that tells its name and its plan, and keeps what is handed in. */
function world(t: Test, name = 'cinnabar', answer: object = now) {
  const dir = mkdtempSync(join(tmpdir(), 'belay-approve-'))
  const servers: Server[] = []
  const received: string[] = []
  let open = 0
  const openTunnel: OpenTunnel = async () => {
    open += 1
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        const route = `${request.method} ${request.url}`
        if (route === 'POST /v1/approvals') received.push((JSON.parse(body) as { approval: string }).approval)
        const answers: Record<string, object> = {
          'GET /v1/host': { ...identity, name },
          'POST /v1/profiles/system/preview': answer,
          'POST /v1/approvals': approval({ host: name })
        }
        response.end(JSON.stringify(answers[route]))
      })
    })
    servers.push(server)
    const socketPath = join(dir, String(servers.length))
    await new Promise<void>((done) => server.listen(socketPath, done))
    const close = async () => {
      open -= 1
      server.close()
    }
    return { socketPath, [Symbol.asyncDispose]: close }
  }
  t.teardown(() => {
    for (const server of servers) server.closeAllConnections()
    rmSync(dir, { recursive: true, force: true })
  })
  const ring = keyRing(dir)
  ring.make('alice')
  const shown: ToSign[] = []
  const ask = (change: Partial<ApproveRequest> = {}) =>
    approve(
      {
        ...{
          host: fleetHost(),
          profile: 'system',
          storePath: storePath('b'),
          planHash: now.hash,
          plan: null,
          revision: null
        },
        ...{ mode: 'boot' as const, confirm: 'connection' as const },
        ...{ lifetimeSeconds: 3600, key: { file: ring.file('alice') }, handIn: true },
        ...change
      },
      {
        ...{ openTunnel, run: runCommand, signal: new AbortController().signal },
        ...{ nowMs: Date.parse('2026-01-02T03:04:05.678Z'), id: '0'.repeat(32) },
        show: (what) => {
          shown.push(what)
          t.equal(open, 0, 'no connection stays open while a person is asked')
        }
      }
    )
  return { ask, shown, received, ring }
}

t.test('what is shown is what is signed, and what is handed in', async (t) => {
  const w = world(t)
  const { document, received } = await w.ask({ revision: 7 })
  t.match(received, { principal: 'alice@example.org' })
  t.same(w.received, [document])
  t.match(parseApproval(document).statement, {
    ...{ host: 'cinnabar', profile: 'system', storePath: storePath('b'), planHash: now.hash, revision: 7 },
    ...{ mode: 'boot', confirm: 'connection' },
    ...{ issuedAt: '2026-01-02T03:04:05Z', expiresAt: '2026-01-02T04:04:05Z' }
  })
  t.equal(w.shown[0]?.text, parseApproval(document).text)
  const view = toSignView(w.shown[0] as ToSign, painter(false))
  for (const line of [
    /cinnabar activates, once and within 1h00m/,
    /By a boot on trial, committed by a connection/,
    /reboot recommended/,
    /revision 7/,
    /ED25519/
  ])
    t.match(view, line)
  t.match(view, `| plan: ${now.hash}`)
})

t.test('with --out nothing is handed in', async (t) => {
  const w = world(t)
  t.match(await w.ask({ handIn: false }), { received: null })
  t.same(w.received, [])
})

t.test('another plan is not signed, and what differs is told where it is known', async (t) => {
  const w = world(t)
  const planHash = 'b'.repeat(64)
  await t.rejects(w.ask({ planHash }), {
    code: 'approval-wrong-plan',
    found: now.hash,
    message: /look at it again/
  })
  const read = plan({ ...changes, from: storePath('c'), to: storePath('b') })
  const message = new RegExp(`from: approved ${storePath('c')}, now ${storePath('a')}`)
  await t.rejects(w.ask({ planHash: read.hash, plan: read }), { code: 'approval-wrong-plan', message })
  t.same([w.shown, w.received], [[], []])
})

t.test('a host that says it is another one gets nothing signed', async (t) => {
  const w = world(t, 'electrum')
  await t.rejects(w.ask(), { code: 'wrong-host', found: 'electrum', wanted: 'cinnabar' })
  t.same([w.shown, w.received], [[], []])
})
