import { join } from 'node:path'
import t from 'tap'
import { openAccess } from '../../../controller/monitor/access-schema.ts'
import { promql } from '../../../controller/monitor/promql.ts'
import { closedPort, privateDirectory, receiver } from '../notify/receiver.ts'

const { signal } = new AbortController()
const HOUR = 3_600_000
const vector = (...values: unknown[]) =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: values.map((value) => ({ metric: { check: 'web' }, value })) }
  })
const matrix = (...values: unknown[]) =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'matrix', result: [{ metric: { check: 'web' }, values }] }
  })

t.test('a question carries time, limit and token', async (t) => {
  const { received, url } = await receiver(t, { status: 200, body: vector([1000.5, '2']) })
  const directory = privateDirectory(t, { token: 'secret-1\n' })
  const client = promql({ url, access: { ...openAccess, tokenFile: join(directory, 'token') } }, signal)
  t.same(await client.instant('up{a="b"}', 1_000_500), [
    { labels: { check: 'web' }, samples: [{ at: 1_000_500, value: 2 }] }
  ])
  t.match(received[0], { path: '/api/v1/query', headers: { authorization: 'Bearer secret-1' } })
  t.same(Object.fromEntries(new URLSearchParams(received[0]?.body)), {
    query: 'up{a="b"}',
    time: '1000.500',
    nocache: '1',
    timeout: '19s'
  })
})

t.test('a long range is asked in parts of a thousand steps, and put together', async (t) => {
  const { received, url } = await receiver(
    t,
    { status: 200, body: matrix([0, '1'], [3600, 'NaN']) },
    { status: 200, body: matrix([3_600_000, '+Inf'], [3_603_600, '-Inf']) }
  )
  const steps = { from: 0, to: 1500 * HOUR, stepSeconds: 3600 }
  const [series, ...others] = await promql({ url, access: openAccess }, signal).range('x', steps)
  t.same(others, [])
  t.same(
    series?.samples.map(({ value }) => value),
    [1, Number.NaN, Infinity, -Infinity]
  )
  const asked = received.map(({ body }) => Object.fromEntries(new URLSearchParams(body)))
  t.match(asked, [
    { start: '0.000', end: '3596400.000', step: '3600' },
    { start: '3600000.000', end: '5400000.000', step: '3600' }
  ])
})

t.test('whatever is not a whole and good answer is refused', async (t) => {
  const answers: [number, string, RegExp][] = [
    [
      422,
      '{"status":"error","errorType":"execution","error":"too many samples"}',
      /execution: too many samples/
    ],
    [503, '{"status":"error","errorType":"timeout","error":"query timed out"}', /timeout: query timed out/],
    [401, 'Unauthorized', /it answered 401: Unauthorized/],
    [302, '', /it answered 302: nothing/],
    [200, '<html>log in</html>', /it answered 200: <html>/],
    [
      200,
      '{"status":"success","warnings":["store a: no answer"],"data":{"resultType":"vector","result":[]}}',
      /warnings: store a/
    ],
    [200, '{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}', /partial/],
    [200, '{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}', /no vector and no matrix/],
    [200, 'null', /it answered 200/],
    [200, vector([1, 2]), /none of Prometheus/],
    [200, vector('x'), /none of Prometheus/],
    [200, '{"status":"success","data":{"resultType":"matrix","result":[{}]}}', /none of Prometheus/]
  ]
  for (const [status, body, message] of answers) {
    const { url } = await receiver(t, { status, body })
    const asked = promql({ url, access: openAccess }, signal).instant('x', 0)
    await t.rejects(asked, { code: 'monitoring-failed', message }, body)
  }
})

t.test('no answer, too much of one, and a token that cannot be read', async (t) => {
  const ask = (url: string, tokenFile: string | null = null) =>
    promql({ url, access: { ...openAccess, tokenFile } }, signal).instant('x', 0)
  await t.rejects(ask(await closedPort()), { code: 'monitoring-unreachable' })
  const { url } = await receiver(t, { status: 200, body: 'x'.repeat(33 * 1024 * 1024) })
  await t.rejects(ask(url), { code: 'monitoring-unreachable', message: /more than \d+ bytes/ })
  await t.rejects(ask(url, '/no/such/token'), { code: 'monitoring-unreachable', message: /ENOENT/ })
  const hanging = await receiver(t, 'hang')
  const stop = AbortSignal.timeout(50)
  await t.rejects(promql({ url: hanging.url, access: openAccess }, stop).instant('x', 0), {
    name: 'TimeoutError'
  })
})
