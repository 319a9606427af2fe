import t from 'tap'
import { Value } from 'typebox/value'
import { runAgentCli } from '../../../agent/cli/program.ts'
import { CheckState } from '../../../shared/api/checks.ts'
import { call, startDaemon } from '../fakes/daemon.ts'

t.test('checks over the API and on the command line', async (t) => {
  const d = await startDaemon(t)
  const list = async () =>
    (JSON.parse((await call(d.socket('observe'), 'GET', '/v1/checks')).body) as { checks: CheckState[] })
      .checks
  const [before] = await list()
  t.ok(Value.Check(CheckState, before))
  t.match(before, { name: 'present', kind: 'memory', result: null, ranAt: null, message: 'has not run yet' })
  const run = (role: string, name: string, body = '{}') =>
    call(d.socket(role), 'POST', `/v1/checks/${name}/run`, body)
  t.match(await run('observe', 'present'), { status: 403, body: /role-too-low/ })
  t.match(await run('operate', 'absent'), { status: 404, body: /check-unknown/ })
  t.match(await run('operate', 'present', '{"force":true}'), { status: 400 })
  // The fake daemon gives its checks no world to look at.
  t.match(await run('operate', 'present'), { status: 200, body: /"unknown".*could not look: no world/ })
  const [after] = await list()
  t.ok(Value.Check(CheckState, after))
  t.match(
    (await call(d.socket('observe'), 'GET', '/metrics')).body,
    /^belay_agent_check_success\{check="present"\} 0$/m
  )

  const config = t.testdir({ 'agent.json': JSON.stringify({ ...d.settings, checks: null }) })
  const cli = async (...argv: string[]) => {
    const out: string[] = []
    const terminal = {
      out: (text: string) => void out.push(text),
      err: (text: string) => void out.push(text)
    }
    return {
      code: await runAgentCli(['--config', `${config}/agent.json`, ...argv], terminal),
      out: out.join('')
    }
  }
  t.match(await cli('checks'), {
    code: 0,
    out: /^CHECK.*\npresent +unknown +major .*could not look.*\n1 checks: 1 unknown\n$/
  })
  t.match(await cli('check', 'run', 'present'), { code: 1, out: /^present: unknown: could not look/ })
  t.match(await cli('check', 'run', 'absent'), { code: 1, out: /check-unknown/ })
  t.match(await cli('--json', 'checks'), { code: 0, out: /^\{"checks":\[\{"name":"present"/ })
})
