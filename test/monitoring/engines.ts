import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { mustRun, startCommand } from '../../shared/command.ts'
import { waitFor } from '../fleet/host.ts'

/** A port of this machine that nobody uses at the moment. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

const ready = async (url: string) => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok

/** A real Prometheus that has these samples, in OpenMetrics; gives its URL. */
export async function prometheusWith(t: Test, openMetrics: string): Promise<string> {
  const directory = t.testdir({})
  writeFileSync(join(directory, 'samples'), openMetrics)
  writeFileSync(join(directory, 'prometheus.yml'), '{}\n')
  const backfill = [
    'promtool',
    'tsdb',
    'create-blocks-from',
    'openmetrics',
    '--max-block-duration=720h',
    '--quiet'
  ]
  mkdirSync(join(directory, 'data'))
  await mustRun([...backfill, join(directory, 'samples'), join(directory, 'data')], { timeoutMs: 120_000 })
  return await prometheusOn(t, directory)
}

/** A real Prometheus with the configuration and the data of a directory; gives its URL. */
export async function prometheusOn(t: Test, directory: string): Promise<string> {
  const port = await freePort()
  const program = await startCommand([
    ...['prometheus', `--config.file=${directory}/prometheus.yml`, `--storage.tsdb.path=${directory}/data`],
    ...[`--web.listen-address=127.0.0.1:${port}`, '--storage.tsdb.retention.time=10y', '--log.level=error']
  ])
  t.teardown(() => program.kill())
  const url = `http://127.0.0.1:${port}`
  await waitFor(() => ready(`${url}/-/ready`), 'Prometheus is ready')
  return url
}

/** A real VictoriaMetrics that has these samples, in Prometheus' text format; gives its URL. */
export async function victoriaMetricsWith(t: Test, text: string): Promise<string> {
  const directory = t.testdir({})
  const port = await freePort()
  const program = await startCommand([
    ...['victoria-metrics', `-storageDataPath=${directory}/data`, `-httpListenAddr=127.0.0.1:${port}`],
    ...['-retentionPeriod=10y', '-memory.allowedBytes=200MB']
  ])
  t.teardown(() => program.kill())
  const url = `http://127.0.0.1:${port}`
  await waitFor(() => ready(`${url}/health`), 'VictoriaMetrics is ready')
  const imported = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: text })
  if (!imported.ok) throw new Error(`import: ${imported.status} ${await imported.text()}`)
  await fetch(`${url}/internal/force_flush`)
  return url
}
