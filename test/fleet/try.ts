import { realAgent } from './deployment.ts'
import { startFleet } from './fleet.ts'

await using fleet = await startFleet({ hosts: ['cinnabar'], operator: true, agent: realAgent() })
const host = fleet.host('cinnabar')
fleet.writeGenerations({
  cinnabar: { generation: 'next', agent: 'bundle', services: { web: 'exec sleep infinity' } }
})
const next = await fleet.push('cinnabar')
const run = async (...argv: string[]) => {
  const started = performance.now()
  const { code, stdout, stderr } = await host.run(argv)
  console.log(
    `$ ${argv.join(' ')} -> ${code} (${Math.round(performance.now() - started)} ms)\n${stdout}${stderr}`
  )
}
await run('belay-agent', 'preflight', next)
await run('belay-agent', 'preflight', next)
await run('belay-agent', 'hold', 'someone travels')
await run('belay-agent', 'status')
await run('belay-agent', 'activate', next, '--auto-confirm')
await run('belay-agent', 'release')
await run('belay-agent', 'activate', next, '--auto-confirm')
await run('belay-agent', 'rollback')
await run('belay-agent', 'status')
await run(
  'sh',
  '-c',
  'which loginctl who timedatectl; loginctl list-sessions --output=json; timedatectl show'
)
await run(
  'sh',
  '-c',
  'ls -la /boot; cat /var/lib/belay/hold.json; grep -h baseline /var/lib/belay/operations/*/journal.jsonl | tail -c 4000'
)
