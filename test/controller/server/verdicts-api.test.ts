import t from 'tap'
import { systemClock } from '../../../controller/deploy/clock.ts'
import { BelayError } from '../../../shared/errors.ts'
import { stories } from '../../verdict/stories.ts'
import { runBelay } from '../cli/run-belay.ts'
import { fakeRun } from '../fakes/run.ts'
import { noLeaks } from '../fakes/scan.ts'
import { eventually, startController } from './daemon.ts'

t.test('a host that is away is judged by what was kept of it, and that is said', async (t) => {
  const told = { ...stories.unexpectedReboot, host: 'cinnabar' }
  const fleet = 'version: 1\nhosts: { cinnabar: {}, galena: {} }\n'
  const d = await startController(t, { fleet, story: { evidence: () => told } })
  const get = <T>(path: string) => d.call<T>('observe', 'GET', `/v1/hosts/${path}`)
  await t.rejects(get('cinnabar/evidence'), { code: 'no-soak', message: /no evidence of cinnabar was kept/ })
  await t.rejects(get('cinabar/evidence'), { code: 'host-unknown' })
  t.match(await get('cinnabar/verdict'), { verdict: 'NO-GO', keptAt: null, asOf: told.asOf })
  t.match(await get('cinnabar/evidence'), { keptAt: Number, evidence: told })

  await d.end()
  d.down.add('cinnabar')
  await d.start()
  const missed = async () =>
    (await get<{ summary: { answers: unknown } }>('cinnabar')).summary.answers === false
  await eventually(missed, 'it is missed')
  t.match(await get('cinnabar/verdict'), { verdict: 'NO-GO', keptAt: /^20/, asOf: told.asOf })

  const belay = async (...args: string[]) =>
    await runBelay(['-f', d.file, ...args], {
      run: fakeRun().run,
      openTunnel: async ({ name }) => {
        throw new BelayError('host-unreachable', `${name}: no route`)
      },
      clock: systemClock,
      scan: noLeaks,
      newKey: () => 'key',
      signal: new AbortController().signal
    })
  const state = ['--state', d.state]
  const silent = /It does not answer: this is from what the controller has kept, as of 2026-03/
  t.match(await belay('verdict', 'cinnabar', ...state), { code: 1, out: silent })
  t.match(await belay('verdict', 'cinnabar', '--markdown', ...state), { code: 1, out: silent })
  t.match(JSON.parse((await belay('--json', 'verdict', 'cinnabar', ...state)).out), { keptAt: /^20/ })
  const soak = await belay('soak', ...state)
  t.match(soak, { code: 1, out: /NO-GO[\s\S]*Silent, by what the controller has kept:\n {2}cinnabar: as of/ })
  t.match(soak.out, /No evidence:\n {2}galena: galena: no route/, 'of another nothing was kept')
  t.match((await belay('digest', ...state)).out, /### Silent[^\n]*\n\n\* \*\*cinnabar\*\*: as of/)
  t.match(await belay('verdict', 'galena', ...state), { code: 4, err: /no route/ })
  t.match(
    await belay('verdict', 'decide', 'cinnabar', 'no-go', '--reason', 'it crashes'),
    { code: 1, err: /no route/ },
    'a person decides on what the host tells now'
  )
})
