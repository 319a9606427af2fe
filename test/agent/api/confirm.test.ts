import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { monotonicMs } from '../../../agent/clock.ts'
import type { Event } from '../../../agent/operation/events.ts'
import type { Phase } from '../../../shared/operation/phase.ts'
import { MAX_CONNECTIONS } from '../../../shared/server/unix-socket.ts'
import type { Scope } from '../fakes/daemon.ts'
import { call, candidate, startDaemon } from '../fakes/daemon.ts'

const moved = (to: Phase): Event => ({ type: 'moved', to, reason: to })
const outcome = { result: 'success', code: 'exited', status: '0' }
const window = (inMs: number): Event => ({
  type: 'window-opened',
  nonce: 'the-nonce',
  deadlineMonotonicMs: monotonicMs() + inMs,
  deadlineAt: 'soon'
})
const untilVerifying = [
  moved('fetching'),
  moved('checking'),
  moved('arming'),
  moved('activating'),
  { type: 'activation-ended', outcome } as const,
  moved('verifying')
]

async function waiting(t: Scope, inMs = 60_000) {
  const d = await startDaemon(t)
  const begun = await call(
    d.socket('operate'),
    'POST',
    '/v1/operations',
    JSON.stringify({ storePath: candidate })
  )
  const { id } = JSON.parse(begun.body) as { id: string }
  const confirm = async (body: unknown, role = 'operate', of = id) => {
    const answer = await call(d.socket(role), 'POST', `/v1/operations/${of}/confirm`, JSON.stringify(body))
    return { status: answer.status, code: (JSON.parse(answer.body) as { code: string | null }).code }
  }
  const open = () => d.append(id, ...untilVerifying, moved('confirming'), window(inMs))
  return {
    ...d,
    id,
    confirm,
    open,
    said: () => readFile(join(d.operations.root, id, 'confirm.json'), 'utf8').catch(() => null)
  }
}

t.test(
  'a confirmation that proves nothing is refused with its own code, and nothing is said to the runner',
  async (t) => {
    const w = await waiting(t)
    t.match(await w.confirm({ nonce: 'the-nonce' }), { code: 'not-confirming' }, 'too early')
    // A connection of before the activation, kept open.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    const overOld = (method: string, path: string, body?: string) =>
      new Promise<string>((resolve, reject) => {
        const headers = body === undefined ? {} : { 'content-type': 'application/json' }
        const req = request({ socketPath: w.socket('operate'), agent, method, path, headers }, (res) => {
          let text = ''
          res.on('data', (chunk) => {
            text += chunk
          })
          res.on('end', () => resolve(text))
        })
        req.on('error', reject)
        req.end(body)
      })
    await overOld('GET', '/livez')
    await w.open()
    t.match(JSON.parse(await overOld('POST', `/v1/operations/${w.id}/confirm`, '{"nonce":"the-nonce"}')), {
      code: 'connection-too-old'
    })
    t.match(await w.confirm({}), { status: 400, code: 'nonce-missing' })
    t.match(await w.confirm({ nonce: 'another' }), { status: 403, code: 'nonce-wrong' })
    t.match(await w.confirm({ nonce: 'the-nonce', force: true }), { status: 400, code: 'invalid-request' })
    t.match(await w.confirm({ nonce: 'the-nonce' }, 'observe'), { status: 403, code: 'role-too-low' })
    t.match(await w.confirm({ nonce: 'the-nonce' }, 'operate', '20260102T030405678Z-00000000'), {
      status: 404,
      code: 'operation-unknown'
    })
    t.equal(await w.said(), null)
  }
)

t.test('the nonce is read over a new connection by who may confirm, and then confirms', async (t) => {
  const w = await waiting(t)
  await w.open()
  const read = async (role: string) =>
    JSON.parse((await call(w.socket(role), 'GET', `/v1/operations/${w.id}`)).body) as object
  t.match(await read('observe'), { phase: 'confirming', confirmation: { nonce: null } })
  t.match(await read('operate'), { confirmation: { nonce: 'the-nonce' } })
  t.equal((await w.confirm({ nonce: 'the-nonce' })).status, 200)
  t.match(JSON.parse((await w.said()) ?? ''), {
    word: 'confirm',
    nonce: 'the-nonce',
    principal: 'operate socket'
  })
})

t.test('connections that say nothing, on the sockets of others, keep no confirmation away', async (t) => {
  const w = await waiting(t)
  await w.open()
  const idle = ['observe', 'propose'].flatMap((role) =>
    Array.from({ length: 2 * MAX_CONNECTIONS }, () => createConnection(w.socket(role)).on('error', () => {}))
  )
  t.teardown(() => {
    for (const socket of idle) socket.destroy()
  })
  await Promise.all(
    idle.slice(-MAX_CONNECTIONS).map((socket) => new Promise((closed) => socket.once('close', closed)))
  )
  t.equal((await w.confirm({ nonce: 'the-nonce' })).status, 200)
})

t.test('after the deadline it is too late', async (t) => {
  const w = await waiting(t, -1)
  await w.open()
  t.match(await w.confirm({ nonce: 'the-nonce' }), { status: 409, code: 'not-confirming' })
})

t.test('the log is journal and output from the beginning to the end', async (t) => {
  const w = await waiting(t)
  await w.append(w.id, ...untilVerifying, moved('rolling-back'), moved('rolled-back'))
  const { body, type } = await call(w.socket('observe'), 'GET', `/v1/operations/${w.id}/log`)
  t.equal(type, 'text/event-stream')
  const events = body
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)) as { type?: string; phase?: string; line?: string })
  t.same(
    events.filter((e) => e.type === 'output').map((e) => e.line),
    ['the first line', 'the second line']
  )
  t.equal(events.filter((e) => e.type === 'operation').at(-1)?.phase, 'rolled-back')
  t.match(body, /event: end\ndata: \{\}\n\n$/)
})

t.test('a rollback turns an operation round, and begins one where there is none', async (t) => {
  const w = await waiting(t)
  const rollback = async (body: unknown) => {
    const answer = await call(w.socket('operate'), 'POST', '/v1/rollback', JSON.stringify(body))
    return { status: answer.status, ...(JSON.parse(answer.body) as object) }
  }
  t.match(await rollback({ generation: 7 }), { status: 409, code: 'operation-running' })
  t.match(await rollback({ reason: 'enough' }), { status: 202, id: w.id })
  t.match(JSON.parse(await readFile(join(w.operations.root, w.id, 'cancel.json'), 'utf8')), {
    word: 'cancel',
    reason: 'enough'
  })
  await w.append(w.id, moved('cancelled'))
  t.match(await rollback({}), { status: 409, code: 'no-known-good' })
  t.match(await rollback({ generation: 99 }), { status: 404, code: 'generation-unknown' })
  t.match(await rollback({ generation: 1 }), { status: 202, kind: 'rollback', phase: 'accepted' })
  t.equal(w.started.length, 3, 'what is turned round gets a runner as well')
})

t.test('a rollback asked for again is the same one, and not cancelled', async (t) => {
  const w = await waiting(t)
  await w.append(w.id, moved('rolling-back'), moved('rolled-back'))
  const rollback = async (body: unknown) => {
    const answer = await call(w.socket('operate'), 'POST', '/v1/rollback', JSON.stringify(body))
    return { status: answer.status, ...(JSON.parse(answer.body) as { id: string }) }
  }
  const { id } = await rollback({ generation: 1 })
  t.match(await rollback({}), { status: 202, id, phase: 'accepted' })
  const said = async (word: string) =>
    readFile(join(w.operations.root, id, `${word}.json`), 'utf8').catch(() => null)
  t.equal(await said('cancel'), null)
  t.match(JSON.parse((await said('retry')) ?? ''), { word: 'retry', target: null })
  t.match(await rollback({ generation: 1 }), { status: 202, id })
  t.match(JSON.parse((await said('retry')) ?? ''), { target: null }, 'it goes there already')
})

t.test('a login session from before the activation proves nothing', async (t) => {
  const w = await waiting(t)
  await w.open()
  t.match(await w.confirm({ nonce: 'the-nonce', sessionStartedMonotonicMs: 1 }), {
    status: 403,
    code: 'connection-too-old'
  })
})
