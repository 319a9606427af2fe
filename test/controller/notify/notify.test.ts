import { createHmac } from 'node:crypto'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Message } from '../../../controller/notify/message.ts'
import { notifier } from '../../../controller/notify/notify.ts'
import type { Notify } from '../../../controller/notify/schema.ts'
import { sinksOf } from '../../../controller/notify/sinks.ts'
import { runCommand } from '../../../shared/command.ts'
import { fakeClock } from '../fakes/clock.ts'
import { closedPort, privateDirectory, receiver } from './receiver.ts'

const message: Message = {
  id: 'digest-2026-01-01',
  title: 'Soak digest',
  text: '## all\nquiet\u001b[2J',
  priority: 'high',
  tags: ['belay', 'soak']
}
const none = () => new AbortController().signal

function notify(config: Notify, directory = '/nowhere') {
  const clock = fakeClock()
  return { clock, ...notifier(sinksOf(config, directory, runCommand), clock) }
}

t.test('a webhook is signed over id, time and body, as Standard Webhooks say', async (t) => {
  const { received, url } = await receiver(t)
  const key = Buffer.from('a key that nobody else has')
  const directory = privateDirectory(t, { secret: `whsec_${key.toString('base64')}\n`, token: 'abc\n' })
  const config = { webhooks: { team: { url: `${url}/in`, secretFile: 'secret', tokenFile: 'token' } } }
  const sent = await notify(config, directory).deliver(message, ['team'], none())
  t.same(sent, [{ sink: 'team', ok: true, attempts: 1, error: null }])
  const [got] = received
  const time = String(Date.parse('2026-01-01T12:00:00Z') / 1000)
  const expected = createHmac('sha256', key).update(`digest-2026-01-01.${time}.${got?.body}`).digest('base64')
  t.match(got?.headers, {
    'content-type': 'application/json',
    'webhook-id': 'digest-2026-01-01',
    'webhook-timestamp': time,
    'webhook-signature': `v1,${expected}`,
    authorization: 'Bearer abc'
  })
  t.equal(got?.path, '/in')
  t.same(JSON.parse(got?.body ?? ''), {
    id: 'digest-2026-01-01',
    time: '2026-01-01T12:00:00.000Z',
    title: 'Soak digest',
    text: '## all\nquiet',
    priority: 'high',
    url: null,
    tags: ['belay', 'soak']
  })
})

t.test('a key that is no base64 is taken as it is; without a key nothing is signed', async (t) => {
  const { received, url } = await receiver(t)
  const directory = privateDirectory(t, { secret: 'plain' })
  const config = { webhooks: { signed: { url, secretFile: join(directory, 'secret') }, bare: { url } } }
  await notify(config).deliver(message, ['signed', 'bare'], none())
  const signed = received.find(({ headers }) => headers['webhook-signature'] !== undefined)
  const text = `digest-2026-01-01.${signed?.headers['webhook-timestamp']}.${signed?.body}`
  t.equal(
    signed?.headers['webhook-signature'],
    `v1,${createHmac('sha256', 'plain').update(text).digest('base64')}`
  )
  t.equal(received.length, 2)
})

t.test('ntfy gets topic, priority, tags and at most what it shows', async (t) => {
  const { received, url } = await receiver(t)
  const directory = privateDirectory(t, { token: 'tk_1' })
  const { deliver } = notify({ ntfy: { phone: { url, topic: 'belay', tokenFile: 'token' } } }, directory)
  const long = { ...message, text: 'ä'.repeat(3000), url: 'https://pages.example/soak' }
  t.match(await deliver(long, ['phone'], none()), [{ ok: true }])
  const body = JSON.parse(received[0]?.body ?? '') as { message: string }
  t.match(body, {
    topic: 'belay',
    title: 'Soak digest',
    markdown: true,
    priority: 4,
    tags: ['belay', 'soak'],
    click: 'https://pages.example/soak'
  })
  t.ok(Buffer.byteLength(body.message) <= 4000)
  t.match(body.message, /^ä+\n…$/)
  t.equal(received[0]?.headers.authorization, 'Bearer tk_1')
})

t.test('a command gets the message on its standard input', async (t) => {
  const directory = t.testdir({})
  const file = join(directory, 'got')
  const { deliver } = notify({ commands: { file: { command: ['sh', '-c', `cat > ${file}`] } } })
  t.match(await deliver(message, ['file'], none()), [{ ok: true, attempts: 1 }])
  t.match(JSON.parse(readFileSync(file, 'utf8')), { title: 'Soak digest', text: '## all\nquiet' })
})

t.test('only a command that says "later" is run again', async (t) => {
  const commands = {
    later: { command: ['sh', '-c', 'exit 75'] },
    never: { command: ['sh', '-c', 'echo no such user >&2; exit 67'] },
    nobody: { command: ['/no/such/program'] },
    slow: { command: ['sleep', '30'], timeout: '1s' }
  }
  t.match(await notify({ commands }).deliver(message, Object.keys(commands), none()), [
    { sink: 'later', ok: false, attempts: 4, error: 'sh exited with 75' },
    { sink: 'never', ok: false, attempts: 1, error: 'sh exited with 67: no such user' },
    { sink: 'nobody', ok: false, attempts: 1, error: /ENOENT/ },
    { sink: 'slow', ok: false, attempts: 1, error: 'sleep did not end within 1 s' }
  ])
})

t.test('a receiver that restarts is tried again, and may say when', async (t) => {
  const { received, url } = await receiver(
    t,
    { status: 503 },
    { status: 429, headers: { 'retry-after': '7' } },
    { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 12:00:30 GMT' } },
    { status: 204 }
  )
  const { deliver, clock } = notify({ webhooks: { team: { url } } })
  t.match(await deliver(message, ['team'], none()), [{ ok: true, attempts: 4 }])
  t.same(clock.slept, [1500, 7000, 21_500])
  t.equal(new Set(received.map(({ headers }) => headers['webhook-id'])).size, 1, 'one id for all attempts')
})

t.test('a receiver that refuses is not asked again, and a redirect is not followed', async (t) => {
  const elsewhere = await receiver(t)
  const refusing = await receiver(t, { status: 403, body: 'who are you?\u001b[31m' })
  const moved = await receiver(t, { status: 307, headers: { location: elsewhere.url } })
  const webhooks = { refusing: { url: refusing.url }, moved: { url: moved.url } }
  t.match(await notify({ webhooks }).deliver(message, ['refusing', 'moved'], none()), [
    { ok: false, attempts: 1, error: 'it answered 403: who are you?' },
    { ok: false, attempts: 1, error: 'it answered 307' }
  ])
  t.same(elsewhere.received, [])
})

t.test('a receiver that hangs, or is not there, holds up no other', async (t) => {
  const hanging = await receiver(t, 'hang')
  const well = await receiver(t)
  const webhooks = {
    hanging: { url: hanging.url, timeout: '1s' },
    closed: { url: await closedPort() },
    well: { url: well.url }
  }
  t.match(await notify({ webhooks }).deliver(message, ['hanging', 'closed', 'well'], none()), [
    { sink: 'hanging', ok: false, attempts: 4, error: /timeout/ },
    { sink: 'closed', ok: false, attempts: 4, error: /ECONNREFUSED/ },
    { sink: 'well', ok: true, attempts: 1 }
  ])
})

t.test('a secret is read anew at every attempt, and never shown', async (t) => {
  const { received, url } = await receiver(t, { status: 500 }, { status: 200 })
  const directory = privateDirectory(t, { token: 'old' })
  const sinks = sinksOf({ webhooks: { team: { url, tokenFile: 'token' } } }, directory, runCommand)
  const clock = fakeClock()
  const rotating = {
    ...clock,
    sleep: async (ms: number, signal: AbortSignal) => {
      writeFileSync(join(directory, 'token'), 'new')
      await clock.sleep(ms, signal)
    }
  }
  t.match(await notifier(sinks, rotating).deliver(message, ['team'], none()), [{ ok: true, attempts: 2 }])
  t.same(
    received.map(({ headers }) => headers.authorization),
    ['Bearer old', 'Bearer new']
  )

  writeFileSync(join(directory, 'token'), 'two\nlines')
  const [bad] = await notifier(sinks, clock).deliver(message, ['team'], none())
  t.match(bad, { ok: false, error: /token: no secret of one line/ })
  t.notMatch(bad?.error, /two/)
  writeFileSync(join(directory, 'token'), 'x'.repeat(10_000))
  t.match(await notifier(sinks, clock).deliver(message, ['team'], none()), [
    { ok: false, error: /no secret/ }
  ])
  writeFileSync(join(directory, 'token'), 'fine')
  for (const mode of [0o604, 0o620]) {
    chmodSync(join(directory, 'token'), mode)
    const [open] = await notifier(sinks, clock).deliver(message, ['team'], none())
    t.match(open, { ok: false, error: /token is open to others \(mode 06/ })
  }
  rmSync(join(directory, 'token'))
  t.match(await notifier(sinks, clock).deliver(message, ['team'], none()), [{ ok: false, error: /ENOENT/ }])
})

t.test('a sink has its messages of an hour; the next one says what was dropped', async (t) => {
  const { received, url } = await receiver(t)
  const { deliver, clock } = notify({ webhooks: { team: { url, perHour: 2 } } })
  const go = () => deliver(message, ['team'], none())
  t.match([await go(), await go(), await go(), await go()].flat(), [
    { ok: true },
    { ok: true },
    { ok: false, attempts: 0, error: /its 2 messages of this hour/ },
    { ok: false, attempts: 0 }
  ])
  await clock.sleep(3_600_000, none())
  t.match(await go(), [{ ok: true }])
  t.equal(received.length, 3)
  t.match(JSON.parse(received[2]?.body ?? ''), { text: /\(2 messages before this one were dropped\.\)$/ })
})

t.test('nobody of that name; and an end before the last attempt', async (t) => {
  t.match(await notify({}).deliver(message, ['team'], none()), [
    { ok: false, error: 'there is no such sink' }
  ])
  t.same(notify({ commands: { mail: { command: ['true'] } } }).names, ['mail'])
  const controller = new AbortController()
  controller.abort()
  await t.rejects(
    notify({ commands: { mail: { command: ['true'] } } }).deliver(message, ['mail'], controller.signal),
    { name: 'AbortError' }
  )
})
