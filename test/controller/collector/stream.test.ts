import t from 'tap'
import type { Keeper } from '../../../controller/collector/keeper.ts'
import { follow } from '../../../controller/collector/stream.ts'
import type { Clock } from '../../../controller/deploy/clock.ts'
import { Buckets } from '../../../shared/buckets.ts'
import { talkingHost } from '../../shared/agent-client/talking-host.ts'

t.test('a host that never stops talking is heard at our pace, and shortened', async (t) => {
  let seq = 0
  const said = () => {
    const event = { type: 'operation', at: '2026-01-01T12:00:00Z', operation: 'op-1', phase: 'staged' }
    return `data: ${JSON.stringify({ ...event, seq: seq++, message: 'm'.repeat(9000) })}\n\n`
  }
  const socketPath = await talkingHost(t, said)
  const stop = new AbortController()
  let now = 0
  let waits = 0
  // Time passes only where somebody waits for the pace; twenty waits are enough.
  const clock: Clock = {
    now: () => now,
    random: () => 0.5,
    sleep: async (ms, signal) => {
      if (ms > 1000) return await new Promise((_, reject) => signal?.addEventListener('abort', reject))
      if (++waits === 20) stop.abort()
      signal?.throwIfAborted()
      now += ms
    }
  }
  const heard: { message: string }[] = []
  const keeper = {
    positionOf: () => 'op-0:1',
    heard: (_: string, __: string, data: { message: string }) => heard.push(data)
  } as unknown as Keeper
  const pace = new Buckets({ perSecond: 2, burst: 10 }, clock.now)
  await t.rejects(
    follow('liar', socketPath, {
      keeper,
      clock,
      signal: stop.signal,
      pollMs: 60_000,
      pace,
      look: async () => {}
    })
  )
  t.ok(heard.length <= 10 + now / 500, `${heard.length} in ${now} ms`)
  t.ok(heard.every(({ message }) => message.length === 4000))
})
