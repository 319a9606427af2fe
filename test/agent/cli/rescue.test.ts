import { readlink, writeFile } from 'node:fs/promises'
import t from 'tap'
import { runAgentCli } from '../../../agent/cli/program.ts'
import { rescue as page } from '../../../agent/cli/views/rescue.ts'
import { planRescue } from '../../../agent/rescue/plan.ts'
import { candidate, evidenceOf, host, nixos, stuck } from '../rescue/rescued-host.ts'

t.test('the page for a person', async (t) => {
  const { settings } = await host(t.testdir(), { journal: stuck })
  const evidence = await evidenceOf(settings, candidate)
  const plan = planRescue(evidence, settings, nixos)
  if (plan === null) throw new Error('no plan')
  const text = page({
    hostName: 'cinnabar',
    seen: evidence.seen,
    unreadable: [],
    plan,
    lastResort: nixos.hints.lastResort(plan),
    script: '/s/rescue.sh'
  })
  t.match(text, /^cinnabar: operation 20260102\S+ is stuck: to stuck\n/)
  t.match(text, /1\. Stop .*\n\n {4}systemctl stop /)
  t.match(text, /4\. Start it:\n\n {4}.*\/system-41-link\/bin\/switch-to-configuration test\n/)
  t.match(text, /Or in one: belay-agent rescue --run\nWithout Node: sh \/s\/rescue\.sh\n/)
  t.match(text, /choose "NixOS \(Generation 41 x, built on 2026-01-01\)" in the boot menu/)
  t.match(text, /the agent closes operation/)
})

t.test('the command line, with everything gone', async (t) => {
  const { at, settings } = await host(t.testdir({ 'broken.json': '{' }), {})
  const run = async (...argv: string[]) => {
    let out = ''
    const take = (text: string) => {
      out += text
    }
    return { code: await runAgentCli(argv, { out: take, err: take }), out }
  }
  await writeFile(at('c.json'), JSON.stringify(settings))
  // The systems of this host are in no store: there is no way back, and that is said.
  t.match(await run('--config', at('c.json'), 'rescue'), {
    code: 1,
    out: /No way back is known here.*boot menu/
  })
  const nothing = await run('--config', at('c.json'), '--json', 'rescue', '--run')
  t.match(nothing, { code: 1, out: /"plan":null/ })
  t.match(await run('--config', at('broken.json'), 'rescue'), {
    out: /Going on with the default configuration/
  })
  t.match(await run('--config', at('c.json'), 'rescue', '--generation', 'x'), { code: 2 })
  t.match(await run('--config', at('c.json'), 'rescue', '--generation', '40'), {
    code: 1,
    out: /not in the store/
  })
  t.equal(await readlink(at('profiles/system')), 'system-41-link')
})
