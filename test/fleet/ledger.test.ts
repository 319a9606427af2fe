import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Value } from 'typebox/value'
import type { BaselineView, Soak } from '../../shared/api/soak.ts'
import { Evidence } from '../../shared/verdict/evidence.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const agent = async <T>(host: Host, ...args: string[]) =>
  JSON.parse(await host.must(['belay-agent', '--json', ...args])) as T
const soakOf = (host: Host) => agent<Soak>(host, 'soak')
const evidenceOf = (host: Host) => agent<Evidence>(host, 'soak', '--evidence')
const metricsOf = (host: Host) =>
  host.must(['curl', '-s', '--unix-socket', '/run/belay/observe.sock', 'http://agent/metrics'])

/** Waits until the agent tells of a soak that is as wanted. */
async function soakWhere(host: Host, wanted: (soak: Soak) => boolean, what: string): Promise<Soak> {
  let last: Soak | undefined
  const asWanted = async () => {
    last = await soakOf(host)
    return wanted(last)
  }
  // What is done past the agent is found within a minute.
  await host.waitFor(asWanted, what)
  return last as Soak
}

t.test('the ledger of a real host', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({ hosts: ['cinnabar'], operator: true, agent: realAgent() })
  const host = fleet.host('cinnabar')

  await t.test('what runs when the agent comes is in soak', async (t) => {
    const soak = await soakWhere(host, () => true, 'a soak')
    t.match(soak, { cause: 'found', day: 1, reboots: 0, baselineShortcoming: 'there is none' })
    t.equal(soak.storePath, (await truthOf(host)).running)
  })

  await t.test('an activation takes a baseline, ends a soak and starts one', async (t) => {
    const before = await truthOf(host)
    fleet.writeGenerations({ cinnabar: { generation: 'web', agent: 'bundle' } })
    const path = await fleet.push('cinnabar')
    await host.must(['belay-agent', 'activate', path, '--auto-confirm'])
    const soak = await soakWhere(host, ({ cause }) => cause === 'committed', 'the soak of the candidate')
    const { id } = await journalOf(host)
    t.match(soak, { storePath: path, reboots: 0, agentRestarts: 0, damage: null })
    const { baselines } = await agent<{ baselines: BaselineView[] }>(host, 'baseline', 'list')
    t.match(baselines, [{ operation: id, storePath: before.running, failing: [], shortcoming: /0 hours/ }])
    t.match(await evidenceOf(host), { baselinePath: before.running, storePath: path, endedAt: null })
  })

  await t.test('an agent that is restarted is counted', async (t) => {
    await host.must(['systemctl', 'restart', 'belay-agent'])
    const soak = await soakWhere(host, ({ agentRestarts }) => agentRestarts === 1, 'the restart')
    t.equal(soak.reboots, 0)
  })

  await t.test('a power cut is an unexpected reboot', async (t) => {
    await host.powerCut()
    await host.boot()
    const soak = await soakWhere(host, ({ reboots }) => reboots === 1, 'the reboot')
    t.match(soak, { unexpectedReboots: 1, agentRestarts: 1, openIncidents: { major: 1 } })
    const { reboots, incidents } = await evidenceOf(host)
    t.match(reboots, [{ expected: false, cause: /power cut/ }])
    t.match(incidents, [{ severity: 'major', openedBy: 'rule: reboot', status: 'open' }])
    t.match(await metricsOf(host), /belay_agent_reboots_total\{expected="false"\} 1/)
  })

  await t.test(
    'one that somebody asks for over ssh is expected, and so is one that was announced',
    async (t) => {
      await fleet.operator.run(['ssh', 'root@cinnabar', 'systemctl', 'poweroff'])
      await host.whenOff()
      await host.boot()
      await soakWhere(host, ({ reboots }) => reboots === 2, 'the second reboot')
      await host.must(['belay-agent', 'expect-reboot', '--reason', 'another kernel'])
      await host.powerCut()
      await host.boot()
      const soak = await soakWhere(host, ({ reboots }) => reboots === 3, 'the third reboot')
      t.equal(soak.unexpectedReboots, 1)
      t.match((await evidenceOf(host)).reboots.slice(1), [
        { expected: true, cause: 'shut down while root was logged in' },
        { expected: true, cause: 'operate socket: another kernel' }
      ])
    }
  )

  await t.test('a history that is damaged begins empty, says so, and the ledger stays', async (t) => {
    const file = join(host.root, 'var/lib/belay/history.sqlite')
    await host.waitFor(() => readFileSync(file).length > 0, 'a history')
    await host.must(['systemctl', 'stop', 'belay-agent'])
    writeFileSync(file, 'no database at all '.repeat(1000))
    await host.must(['systemctl', 'start', 'belay-agent'])
    const soak = await soakWhere(host, ({ history }) => history.begunAnew === 1, 'the new history')
    t.match(soak, { reboots: 3, agentRestarts: 2, openIncidents: { major: 1 }, history: { writable: true } })
    t.match(soak.history.aside, /^\/var\/lib\/belay\/history\.sqlite\.damaged-/)
    t.match(await metricsOf(host), /belay_agent_history_begun_anew_total 1/)
    const log = await host.must(['journalctl', '-b', '-u', 'belay-agent', '-o', 'cat', '--no-pager'])
    t.match(log, /the history could not be read: it was moved aside and begins empty/)
    t.match(await host.run(['belay-agent', 'history', 'nothing']), {
      code: 1,
      stderr: /check-unknown|no check nothing/
    })
  })

  await t.test('a person keeps the issues log', async (t) => {
    const { id } = await agent<{ id: string }>(
      host,
      'incident',
      'open',
      'a fan is loud',
      '--severity',
      'minor'
    )
    await host.must(['belay-agent', 'incident', 'workaround', id, 'close the door'])
    t.match(
      await host.must(['belay-agent', 'incidents']),
      /minor {4}open {5}a fan is loud\n {4}workaround: close the door/
    )
    t.match(await agent(host, 'incident', 'resolve', id), {
      status: 'resolved',
      workaround: 'close the door'
    })
    t.match(await host.run(['belay-agent', 'incident', 'resolve', '--json']), { code: 2 })
    t.match(await host.run(['belay-agent', 'incident', 'resolve', 'none']), {
      code: 1,
      stderr: /has no incident none/
    })
  })

  await t.test(
    'the evidence is as its schema wants it, and a switch by hand and a rollback are in it',
    async (t) => {
      const evidence = await evidenceOf(host)
      t.same(Value.Errors(Evidence, evidence), [])
      t.ok(evidence.onSeconds > 0 && evidence.availableSeconds <= evidence.onSeconds)
      const left = evidence.storePath
      await host.must(['belay-agent', 'rollback'])
      const soak = await soakWhere(
        host,
        ({ cause }) => cause === 'rolled-back',
        'the soak after the rollback'
      )
      t.not(soak.storePath, left)
      const old = JSON.parse(
        await host.must([
          ...['curl', '-s', '--unix-socket', '/run/belay/observe.sock'],
          `http://agent/v1/soak/evidence?storePath=${encodeURIComponent(left)}`
        ])
      ) as Evidence
      t.same(Value.Errors(Evidence, old), [])
      t.match(old, { storePath: left, rollbacks: 1, endedAt: String })
      t.match(old.incidents.at(-1), { severity: 'critical', openedBy: 'rule: rollback' })
      await host.must([`${left}/bin/switch-to-configuration`, 'test'])
      const again = await soakWhere(
        host,
        ({ cause }) => cause === 'switched',
        'the soak after the switch by hand'
      )
      t.equal(again.storePath, left)
    }
  )
})
