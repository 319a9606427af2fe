import t from 'tap'
import { parseChecks } from '../../../agent/config/checks.ts'
import { beginCheck } from '../../../agent/health/begin.ts'
import type { World } from '../../../agent/health/kinds/kind.ts'
import { pass } from '../../../agent/health/kinds/kind.ts'

t.test(
  'a kind is measured as its platform says, with the options of the kind, and else as everywhere',
  async (t) => {
    const checks = { web: { kind: 'service', units: ['web'] }, load: { kind: 'load' } }
    const [web, load] = parseChecks(checks, { stateDirectory: '/s', bootDirectory: '/b' })
    if (web === undefined || load === undefined) throw new Error('two checks were configured')
    const measures = { service: (options: unknown) => async () => pass(JSON.stringify(options)) }
    t.match(await beginCheck(web, measures)({} as World), { message: '{"units":["web"]}' })
    t.notMatch(beginCheck(load, measures), measures.service)
    const asked: unknown[] = []
    const world = {
    run: async (argv: unknown) => {
      asked.push(argv)
      return { code: 1, stdout: '', stderr: '', ended: 'exited' }
    }
  }
)
