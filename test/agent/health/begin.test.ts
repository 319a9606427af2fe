import t from 'tap'
import { parseChecks } from '../../../agent/config/checks.ts'
import { beginCheck } from '../../../agent/health/begin.ts'
import type { World } from '../../../agent/health/kinds/kind.ts'
import { pass } from '../../../agent/health/kinds/kind.ts'

t.test('a kind is measured as its platform says, with its own options, and else as everywhere', async (t) => {
  const checks = { web: { kind: 'service', units: ['web'] } }
  const [web] = parseChecks(checks, { stateDirectory: '/s', bootDirectory: '/b' })
  if (web === undefined) throw new Error('a check was configured')
  const asked: unknown[] = []
  const run = async (argv: unknown) => {
    asked.push(argv)
    return { code: 1, stdout: '', stderr: '', ended: 'exited' }
  }
  const world = { run } as unknown as World
  const measures = { service: (options: unknown) => async () => pass(JSON.stringify(options)) }
  t.match(await beginCheck(web, measures)(world), { message: '{"units":["web"]}' })
  t.same(asked, [])
  await t.rejects(async () => void (await beginCheck(web)(world)), /systemctl/)
  t.equal(asked.length, 1)
})
