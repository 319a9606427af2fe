import t from 'tap'
import type { Verdict } from '../../shared/verdict/result.ts'
import { belay, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import { startFleet } from './fleet.ts'
import { fleetUnavailable } from './root.ts'

const names = (verdict: Verdict, outcome: string) =>
  verdict.criteria.filter((criterion) => criterion.outcome === outcome).map(({ name }) => name)

t.test('verdicts on real hosts', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum'],
    operator: true,
    agent: realAgent()
  })
  writeFleetFile(fleet, 30)
  const host = fleet.host('cinnabar')
  fleet.writeGenerations({ cinnabar: { generation: 'web', agent: 'bundle' } })
  const deploy = await belay(fleet, 'deploy', '--host', 'cinnabar')
  t.equal(deploy.code, 0, deploy.stdout + deploy.stderr)
  const judge = async () => {
    const { code, stdout } = await belay(fleet, '--json', 'verdict', 'cinnabar')
    return { code, verdict: JSON.parse(stdout) as Verdict }
  }

  await t.test('a soak that has just begun has too little to say', async (t) => {
    await host.waitFor(
      async () => (await judge()).verdict.storePath === (await truthOf(host)).running,
      'the soak of the new generation'
    )
    const { code, verdict } = await judge()
    t.equal(code, 4)
    t.match(verdict, { verdict: 'INSUFFICIENT EVIDENCE', day: 1, plannedDays: 14 })
    t.ok(names(verdict, 'inconclusive').includes('days'))
    t.same(names(verdict, 'error'), [])
    t.comment((await belay(fleet, 'verdict', 'cinnabar')).stdout)
  })

  await t.test('a power cut is a NO-GO, until a person waives it in writing', async (t) => {
    await host.powerCut()
    await host.boot()
    await host.waitFor(async () => (await judge()).code === 1, 'the verdict')
    // The agent's own rule opens a MAJOR incident for it as well.
    t.same(names((await judge()).verdict, 'fail'), ['unexpected-reboots', 'incidents'])
    for (const criterion of ['unexpected-reboots', 'incidents']) {
      const waive = ['verdict', 'waive', 'cinnabar', criterion, '--by', 'ada', '--reason', 'power cut']
      t.match(await belay(fleet, ...waive), { code: 0, stdout: /fail, waived/ })
    }
    const { code, verdict } = await judge()
    t.equal(code, 4, 'still too few days')
    t.notOk(
      verdict.because.some((text) => text.startsWith('unexpected-reboots') || text.startsWith('incidents'))
    )
    const kept = await fleet.operator.must(['cat', '/root/soak-decisions.jsonl'])
    t.match(JSON.parse(kept.split('\n')[0] ?? ''), {
      type: 'waive',
      by: 'ada',
      storePath: (await truthOf(host)).running
    })
  })

  await t.test('the fleet at a glance, with a host that is away', async (t) => {
    await fleet.host('electrum').powerCut()
    const { code, stdout } = await belay(fleet, 'soak')
    t.equal(code, 1)
    t.match(stdout, /cinnabar .* 1 of 14 +INSUFFICIENT EVIDENCE/)
    t.match(stdout, /Worse since yesterday:\n {2}cinnabar: MAJOR .*\n {2}cinnabar: unexpected reboot: /)
    t.match(stdout, /No evidence:\n {2}electrum: /)
    t.comment(stdout)
  })

  await t.test('the page is written on the operator’s machine', async (t) => {
    t.equal((await belay(fleet, 'verdict', 'cinnabar', '--html', '/root/cinnabar.html')).code, 4)
    t.match(await fleet.operator.must(['cat', '/root/cinnabar.html']), /<svg/)
  })
})
