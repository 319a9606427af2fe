import fc from 'fast-check'
import t from 'tap'
import { Value } from 'typebox/value'
import type { FileChange, PackageChange, Plan, ServiceChange } from '../../../shared/api/plan.ts'
import { canonicalJson, Plan as PlanSchema, planHash } from '../../../shared/api/plan.ts'
import { plan } from '../plans.ts'

const change: PackageChange = {
  name: 'curl',
  change: 'upgraded',
  before: ['1'],
  after: ['2'],
  bytesBefore: 1,
  bytesAfter: 2
}
const service: ServiceChange = {
  unit: 'x.service',
  change: 'changed',
  action: 'restart',
  whenRunning: 'restart',
  reason: 'r'
}
const file: FileChange = { path: 'motd', change: 'changed', diff: null, note: null }
const some = { packages: [change], services: [service], files: [file] }

t.test('the hash is of what matters', async (t) => {
  const { hash } = plan(some)
  t.ok(Value.Check(PlanSchema, plan(some)))
  const same: Record<string, Partial<Plan>> = {
    time: { at: '2030-01-01T00:00:00.000Z' },
    sizes: { packages: [{ ...change, bytesAfter: 99 }] },
    totals: { closure: { ...plan().closure, added: 7 } },
    diffs: { files: [{ ...file, diff: '+x', note: 'n' }] },
    words: { services: [{ ...service, reason: 'other words' }] },
    'what runs now': { services: [{ ...service, action: 'none' }] },
    'what is started again': { services: [service, { ...service, unit: 'a.service', change: 'unchanged' }] },
    'an instance': { services: [service, { ...service, unit: 'getty@tty1.service' }] },
    'a dry run': { dryActivation: { stop: [], start: [], restart: [], reload: [], keep: [], other: ['x'] } }
  }
  for (const [what, given] of Object.entries(same))
    t.equal(plan({ ...some, ...given }).hash, hash, `not ${what}`)
  const other: Record<string, Partial<Plan>> = {
    host: { host: 'electrum' },
    from: { from: plan().to },
    to: { to: plan().from },
    version: { packages: [{ ...change, after: ['3'] }] },
    'one package more': { packages: [change, { ...change, name: 'jq' }] },
    effect: { services: [{ ...service, whenRunning: 'stop' }] },
    file: { files: [{ ...file, change: 'removed' }] },
    reboot: { reboot: { required: true, recommended: true, causes: [] } },
    secret: { secrets: [{ name: 'db', change: 'added', what: [], units: [] }] },
    limit: { notCovered: [{ code: 'data', text: 'x' }] }
  }
  const hashes = Object.entries(other).map(([what, given]) => {
    const found = plan({ ...some, ...given }).hash
    t.not(found, hash, what)
    return found
  })
  t.equal(new Set(hashes).size, hashes.length)
})

t.test('the hash does not hang on the order of keys, and is what it was', async (t) => {
  const { hash, ...body } = plan(some)
  t.equal(planHash(Object.fromEntries(Object.entries(body).reverse()) as typeof body), hash)
  t.matchOnly(hash, /^[0-9a-f]{64}$/)
  // A hash that a person has approved must not change with the program.
  t.equal(hash, 'd265f005ff2bea5570ceb453f39e0557edcdc3337f8d3a9c9ba6b25827d45883')
})

t.test('canonical JSON is JSON, and the same for equal values', async () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const value: unknown = JSON.parse(json)
      const text = canonicalJson(value)
      return (
        canonicalJson(JSON.parse(text)) === text && JSON.stringify(JSON.parse(text)).length === text.length
      )
    })
  )
})
