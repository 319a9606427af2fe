import t from 'tap'
import type { LoadedUnit } from '../../../agent/preview/services.ts'
import { serviceChanges } from '../../../agent/preview/services.ts'
import type { UnitFiles } from '../../../agent/preview/unit-tree.ts'

type Units = Readonly<Record<string, string | null>>

/** A unit directory: `x.service` is a file, `x.service.d` a drop-in, `a.target.wants` words, `alias x` a link. */
function directory(units: Units): UnitFiles {
  const of = (end: string) => Object.entries(units).filter(([name]) => name.endsWith(end))
  const special = ['.d', '.wants', '.alias']
  return {
    files: new Map(Object.entries(units).filter(([name]) => !special.some((end) => name.endsWith(end)))),
    dropins: new Map(of('.d').map(([name, text]) => [name.slice(0, -2), [text ?? '']])),
    pulls: new Map(of('.wants').map(([name, text]) => [name.slice(0, -6), (text ?? '').split(' ')])),
    aliases: new Map(of('.alias').map(([name, text]) => [name.slice(0, -6), text ?? '']))
  }
}

const up: LoadedUnit = { state: 'active', ours: true, conditionsHold: true }
const down: LoadedUnit = { ...up, state: 'inactive' }

function plan(before: Units, after: Units, loaded: Readonly<Record<string, LoadedUnit>>): string[] {
  const units = { 'multi-user.target': up, ...loaded }
  return serviceChanges(directory(before), directory(after), new Map(Object.entries(units))).map(
    ({ unit, action }) => `${action} ${unit}`
  )
}
const [a, b] = ['[Service]\nExecStart=a', '[Service]\nExecStart=b']

t.test('what runs is compared; what does not is only named', async (t) => {
  t.same(plan({ 'x.service': a }, { 'x.service': b }, { 'x.service': up }), ['restart x.service'])
  t.same(plan({ 'x.service': a }, { 'x.service': b }, { 'x.service': down }), ['none x.service'])
  t.same(plan({ 'x.service': a }, { 'x.service': b }, {}), ['none x.service'])
  t.same(plan({ 'x.service': a }, {}, { 'x.service': up }), ['stop x.service'])
  t.same(plan({ 'x.service': a }, { 'x.service': null }, { 'x.service': up }), ['stop x.service'], 'masked')
  t.same(plan({ 'x.service': a }, {}, { 'x.service': down }), ['none x.service'])
  t.same(plan({ 'x.service': a }, { 'x.service': a }, { 'x.service': up }), [])
  t.same(
    plan({ 'x.service': a }, { 'x.service': b }, { 'x.service': { ...up, ours: false } }),
    ['none x.service'],
    'its file is elsewhere'
  )
})

t.test('active targets start what they want and does not run', async (t) => {
  const after = { 'multi-user.target.wants': 'x.service y.service', 'x.service': a, 'y.service': a }
  t.same(plan({}, after, {}), ['start x.service', 'start y.service'])
  t.same(
    plan({}, { ...after, 'x.service': '[Unit]\nWants=z.service', 'z.service': a }, { 'y.service': up }),
    ['start x.service', 'none y.service', 'start z.service']
  )
  const same = { 'multi-user.target.wants': 'x.service', 'x.service': a }
  t.same(plan(same, same, { 'x.service': down }), ['start x.service'], 'a oneshot runs at every switch')
  t.same(plan(same, same, { 'x.service': { ...down, conditionsHold: false } }), [])
  t.same(plan(same, same, { 'x.service': { ...down, state: 'failed' } }), ['start x.service'])
  const off = { 'other.target.wants': 'x.service', 'x.service': a }
  t.same(plan({}, off, { 'other.target': down }), ['none x.service'], 'its target does not run')
  const named = { 'multi-user.target.wants': 'n.service', 'n.service.alias': 'x.service', 'x.service': a }
  t.same(plan({}, named, {}), ['start x.service'], 'by another name')
})

t.test('sockets are restarted with their service', async (t) => {
  const unit = { 'x.service': a, 'x.socket': '' }
  const loaded = { 'x.service': up, 'x.socket': up }
  t.same(plan(unit, { ...unit, 'x.service': b }, loaded), ['stop x.service', 'restart x.socket'])
  const wanted = { ...unit, 'x.service': b, 'multi-user.target.wants': 'x.service' }
  t.same(plan(unit, wanted, loaded), ['restart x.service', 'restart x.socket'])
  const not = '[Service]\nExecStart=b\nX-NotSocketActivated=true'
  t.same(plan(unit, { ...unit, 'x.service': not }, loaded), ['restart x.service', 'restart x.socket'])
  t.same(plan(unit, { 'x.service': b }, loaded), ['restart x.service', 'stop x.socket'])
})

t.test('what needs a stopped unit goes with it, and comes back when it is wanted', async (t) => {
  const needs = '[Unit]\nRequires=x.service'
  const loaded = { 'x.service': up, 'n.service': up, 'm.service': up }
  const before = { 'x.service': a, 'n.service': needs, 'm.service': '[Unit]\nPartOf=n.service' }
  t.same(plan(before, { ...before, 'x.service': b }, loaded), [
    'restart m.service',
    'restart n.service',
    'restart x.service'
  ])
  const after = {
    'n.service': needs,
    'm.service': '[Unit]\nPartOf=n.service',
    'multi-user.target.wants': 'm.service'
  }
  t.same(plan(before, after, loaded), ['restart m.service', 'stop n.service', 'stop x.service'])
})

t.test('instances are of their template, or of their own drop-ins', async (t) => {
  const loaded = { 'g@1.service': up, 'g@2.service': up }
  t.same(plan({ 'g@.service': a }, { 'g@.service': b }, loaded), [
    'none g@.service',
    'restart g@1.service',
    'restart g@2.service'
  ])
  t.same(
    plan({ 'g@.service': a, 'g@1.service.d': '[Service]\nX=1' }, { 'g@.service': a }, loaded),
    ['stop g@1.service'],
    'that which the generation had made goes'
  )
})

t.test('what would be done were it running does not hang on whether it runs', async (t) => {
  const of = (state: LoadedUnit) =>
    serviceChanges(
      directory({ 'x.service': a }),
      directory({ 'x.service': b }),
      new Map([['x.service', state]])
    )
  t.match(of(up), [{ action: 'restart', whenRunning: 'restart' }])
  t.match(of(down), [{ action: 'none', whenRunning: 'restart' }])
})
