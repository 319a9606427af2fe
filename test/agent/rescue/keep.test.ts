import { readdir, readFile, rm } from 'node:fs/promises'
import t from 'tap'
import { keepLoginMessage, keepRescueScript } from '../../../agent/rescue/keep.ts'
import { motd } from '../../../agent/rescue/motd.ts'
import {
  baseline,
  candidate,
  evidenceOf,
  host,
  id,
  nixos,
  older,
  planOf,
  stuck,
  way
} from './rescued-host.ts'

t.test('the message at login: while stuck or unreadable, and no longer', async (t) => {
  const { at, settings } = await host(t.testdir(), { journal: stuck })
  const plan = await planOf(settings, candidate)
  const lastResort = nixos.hints.lastResort(plan)
  const state = {
    hostName: 'cinnabar',
    stuck: null,
    unreadable: [],
    plan,
    lastResort,
    script: '/s/rescue.sh'
  }
  t.equal(motd(state), null)
  const text = motd({ ...state, stuck: { id, reason: 'a\u001b[31m\nb' } })
  t.match(text, /cinnabar needs a person/)
  t.match(text, /\n {2}sh \/s\/rescue\.sh\n/)
  t.match(text, /\n {2}ln -sfn system-41-link /)
  t.match(text, /"NixOS \(Generation 41/)
  t.notMatch(text, '\u001b')
  t.match(motd({ ...state, unreadable: ['x'] }), /journal of operation x cannot be read[\s\S]*as root:/)
  t.match(motd({ ...state, unreadable: ['x'], plan: null }), /boot menu/)

  const message = at('motd.d/belay')
  const unfinished = (await evidenceOf(settings, candidate)).unfinished
  if (unfinished === null) throw new Error('nothing is unfinished')
  await keepLoginMessage(settings, nixos, { operations: [unfinished], unreadable: [] }, message)
  t.match(await readFile(message, 'utf8'), /needs a person/)
  t.same(await readdir(at('motd.d')), ['belay'], 'nothing beside it, which would be shown as well')
  await keepLoginMessage(
    settings,
    nixos,
    { operations: [{ ...unfinished, phase: 'rolled-back' }], unreadable: [] },
    message
  )
  t.same(await readdir(at('motd.d')), [])
  await keepLoginMessage(settings, nixos, undefined, message)
  t.match(await readFile(message, 'utf8'), new RegExp(`operation ${id}`), 'who has not looked yet')
  await rm(at('state/operations'), { recursive: true })
  await keepLoginMessage(settings, nixos, undefined, message)
  t.same(await readdir(at('motd.d')), [])
})

t.test(
  'the script is kept: from the arming to the baseline, after the end to what is known good',
  async (t) => {
    const { at, settings } = await host(t.testdir(), { journal: way })
    const kept = async (runs: string) => {
      await keepRescueScript(settings, nixos, '2026-01-01T00:00:00.000Z', await evidenceOf(settings, runs))
      return readFile(at('state/rescue.sh'), 'utf8')
    }
    const armed = await kept(baseline)
    t.match(armed, `chosen='${baseline}'`)
    t.match(armed, `operation='${at('state/operations', id)}'`)
    t.match(armed, `targets='${baseline}\n${older}'`)
    await rm(at('state/operations'), { recursive: true })
    const settled = await kept(candidate)
    t.match(settled, `chosen='${baseline}'`)
    t.match(settled, "operation=''")
    t.match(await kept(baseline), `chosen='${older}'`)
  }
)
