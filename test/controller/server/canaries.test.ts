import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { openControllerStore } from '../../../controller/store/controller-store.ts'
import { shortDirectory } from '../../agent/fakes/daemon.ts'
import { eventually } from './daemon.ts'
import { withCertificates } from './with-certificates.ts'

const canary = (name: string) => `canary0123456789${name}`

t.test('secrets show in no log, answer, metric, error or file of the controller', async (t) => {
  const log: string[] = []
  const write = process.stderr.write
  process.stderr.write = ((chunk: unknown) => log.push(String(chunk)) > 0) as typeof write
  t.teardown(() => {
    process.stderr.write = write
  })
  // One that refuses, and tells all that it was told.
  const hook = createServer((request, response) => {
    response.statusCode = 400
    response.end(JSON.stringify({ token: request.headers.authorization, url: request.url }))
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => hook.once('listening', listening))
  t.teardown(() => hook.close())
  const directory = shortDirectory(t)
  const secret = (name: string) => {
    writeFileSync(join(directory, name), `${canary(name)}\n`, { mode: 0o600 })
    return join(directory, name)
  }
  const { port: hookPort } = hook.address() as AddressInfo
  const fleet = `version: 1
hosts: { cinnabar: {}, galena: {} }
rollout: { stages: [{ name: all, select: {}, approval: true }] }
notify:
  webhooks:
    team: { url: "http://127.0.0.1:${hookPort}/${canary('url')}", secretFile: ${secret('secret')}, tokenFile: ${secret('token')} }
  rollouts: [team]
`
  const { d, ask, authority, files } = await withCertificates(t, {}, fleet, { logLevel: 'trace' })
  using store = await openControllerStore(d.state)
  const by = { name: 'anna', role: 'admin', transport: 'test', request: null }
  const token = store.tokens.add(
    { name: 'ci', role: 'admin', expiresAt: null },
    '2026-03-02T09:00:00.000Z',
    by
  )
  const anna = authority.role('admin')
  const bearer = (value: string) => ({ authorization: `Bearer ${value}` })
  const basic = { authorization: `Basic ${Buffer.from(`anna:${canary('basic')}`).toString('base64')}` }

  await d.call('operate', 'POST', '/v1/rollouts', { plan: await d.plan() })
  await eventually(async () => log.some((line) => /was not delivered/.test(line)), 'the message fails')
  const answers = [
    await ask(null, 'GET', '/v1/audit', bearer(canary('bearer'))),
    await ask(null, 'GET', '/v1/audit', basic),
    await ask(null, 'POST', '/v1/rollouts/current/pause', bearer(token), {}),
    await ask(null, 'POST', '/v1/rollouts/current/pause', bearer(token), { token: canary('field') }),
    await ask(anna, 'POST', '/v1/rollouts/current/abort', bearer(canary('both')), {})
  ]
  for (const path of ['/metrics', '/v1/audit', '/v1/hosts', '/v1/inventory', '/v1/rollouts/current', '/sd'])
    answers.push(await ask(anna, 'GET', path))
  t.ok(log.length > 5 && answers.every(({ status }) => status > 0))
  const kept = readdirSync(d.state, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => readFileSync(join(d.state, name), 'latin1'))
  const everything = [...log, ...answers.map(({ text }) => text), ...kept, process.argv.join(' ')].join('\n')
  const key = readFileSync(files.keyFile, 'utf8').split('\n')[1] ?? ''
  const keyOfAnna = anna.key.split('\n')[1] ?? ''
  for (const [what, text] of Object.entries({ key, keyOfAnna, token }))
    t.ok(text.length > 20 && !everything.includes(text), what)
  const found = everything.split('\n').filter((line) => /canary0123456789(?!field)/.test(line))
  t.same(found, [], 'no canary')
  const encoded = basic.authorization.split(' ')[1] ?? ''
  t.notOk(everything.includes(encoded))
})
