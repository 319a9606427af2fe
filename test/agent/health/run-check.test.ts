import t from 'tap'
import type { Finding, World } from '../../../agent/health/kinds/kind.ts'
import { runCheck } from '../../../agent/health/run-check.ts'

const clock = { now: () => 1_000_000, monotonicMs: () => 5 }
const never = () => new Promise<never>(() => {})
const run = (measure: (world: World) => Promise<Finding>, after: () => Promise<void> = never) =>
  runCheck({
    ...{ name: 'x', timeoutMs: 3000, clock, after },
    measure,
    world: (signal) => ({ signal }) as World
  })

t.test('a finding becomes a sample', async (t) => {
  const { sample } = await run(async () => ({ result: 'warn', value: 1.5, message: 'so so' }))
  t.same(sample, { check: 'x', at: 1_000_000, result: 'warn', value: 1.5, durationMs: 0, message: 'so so' })
})

t.test('what is thrown is unknown, also before the first await', async (t) => {
  const thrown = [new Error('oh no'), 'text', undefined]
  for (const each of thrown) {
    const { sample } = await run(async () => Promise.reject(each))
    t.match(sample, { result: 'unknown', message: /^could not look: / })
  }
  const { sample } = await run(() => {
    throw new Error('at once')
  })
  t.match(sample, { result: 'unknown', message: 'could not look: at once' })
})

t.test('what does not end is unknown, and is told to end', async (t) => {
  let signal: AbortSignal | undefined
  const { sample, settled } = await run(
    (world) => {
      signal = world.signal
      return new Promise((_, reject) =>
        world.signal.addEventListener('abort', () => reject(new Error('told')))
      )
    },
    async () => {}
  )
  t.match(sample, { result: 'unknown', message: 'did not end within 3 s' })
  t.equal(signal?.aborted, true)
  await settled
})

t.test('no message can forge a line or fill a file, and no value is anything but a number', async (t) => {
  const message = `a\nb\u001b[31mred\u0000${'x'.repeat(10_000)}\ud800`
  const { sample } = await run(async () => ({ result: 'pass', value: Number.NaN, message }))
  t.equal(sample.value, null)
  t.equal(sample.message.length, 500)
  t.match(sample.message, /^a bred x+$/)
})
