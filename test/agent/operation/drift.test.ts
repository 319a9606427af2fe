import t from 'tap'
import type { Observed } from '../../../agent/operation/drift.ts'
import { assertNotDrifted, driftsOf, lastLeft, leftBy, withDrifts } from '../../../agent/operation/drift.ts'
import type { OperationState } from '../../../agent/operation/state.ts'
import type { Phase } from '../../../shared/operation/phase.ts'

const [a, b, c] = ['a', 'b', 'c'].map((letter) => `/nix/store/${letter.repeat(32)}-nixos-system`) as [
  string,
  string,
  string
]
const seen = (
  profile: string | null,
  running: string | null,
  bootDefault = profile,
  booted = a
): Observed => ({
  profile: 'system',
  number: 1,
  storePath: profile,
  running,
  booted,
  bootDefault,
  drift: new Set([profile, running, bootDefault].filter((path) => path !== null)).size > 1
})
const kinds = (...of: Parameters<typeof driftsOf>) => driftsOf(...of).map(({ kind }) => kind)

t.test('a host that Belay has never changed is not drifted by hand', async (t) => {
  t.same(kinds(seen(b, b), null), [])
  t.same(kinds(seen(b, a), null), ['profile-not-running'])
  t.same(driftsOf(seen(b, b, a), null), [{ kind: 'boot-not-profile', found: a, wanted: b }])
  t.same(kinds(seen(null, a, null), null), [], 'what is not there is compared with nothing')
})

t.test('what the last operation left is what has to be there', async (t) => {
  const left = { running: b, profile: b }
  t.same(kinds(seen(b, b), left), [])
  t.same(driftsOf(seen(b, c), left).at(-1), { kind: 'switched-by-hand', found: c, wanted: b })
  t.same(kinds(seen(c, b), left), ['profile-not-running', 'profile-moved'])
  t.same(kinds(seen(c, c), left), ['switched-by-hand', 'profile-moved'])
  t.same(withDrifts(seen(c, c), left).drift, true, 'although profile, running system and boot default agree')
})

t.test('a reboot brings what the profile names, which is no switch by hand', async (t) => {
  const left = { running: c, profile: b }
  t.same(kinds(seen(b, c), left), ['profile-not-running'])
  t.same(kinds(seen(b, b, b, b), left), [])
  t.same(kinds(seen(b, b, b, a), left), ['switched-by-hand'])
})

t.test('drift by hand is refused, and no other', async (t) => {
  assertNotDrifted(driftsOf(seen(b, a), null))
  const foreign = driftsOf(seen(b, c), { running: b, profile: b })
  const refused = { code: 'drifted', found: { 'switched-by-hand': c }, wanted: { 'switched-by-hand': b } }
  t.throws(() => assertNotDrifted(foreign), refused)
})

/** As much of an operation as counts here. */
const operation = (phase: Phase, rest: Partial<OperationState> = {}, kind = 'activate') =>
  ({
    accepted: { kind, profile: 'system', target: { number: null, storePath: b } },
    phase,
    code: null,
    retarget: null,
    baseline: { generation: { number: null, storePath: c }, profile: { number: 1, storePath: a } },
    ...rest
  }) as unknown as OperationState

t.test('what an operation left is in its journal', async (t) => {
  t.same(leftBy(operation('committed')), { running: b, profile: b })
  t.same(leftBy(operation('rolled-back')), { running: c, profile: a })
  const retarget = { number: null, storePath: c }
  t.same(leftBy(operation('rolled-back', { retarget })), { running: c, profile: c })
  t.same(leftBy(operation('rolled-back', {}, 'rollback')), { running: b, profile: b })
  for (const code of ['locked', 'home-collision'])
    t.equal(leftBy(operation('rolled-back', { code })), null, code)
  for (const phase of ['refused', 'cancelled', 'confirming', 'stuck'] as const)
    t.equal(leftBy(operation(phase)), null, phase)
})

t.test('the newest that changed something counts, and nothing while nobody knows', async (t) => {
  const states = [operation('committed'), operation('rolled-back'), operation('refused')]
  t.same(lastLeft(states, []), { running: c, profile: a })
  t.equal(lastLeft(states, ['unreadable']), null)
  t.equal(lastLeft([...states, operation('confirming')], []), null)
  t.equal(lastLeft([], []), null)
})

t.test('each profile has its own', async (t) => {
  const system = operation('committed')
  const home = operation('rolled-back')
  const alice = { ...home, accepted: { ...home.accepted, profile: 'home:alice' as const } }
  const open = { ...alice, phase: 'confirming' as const }
  t.same(lastLeft([system, alice], []), { running: b, profile: b })
  t.same(
    lastLeft([system, open], []),
    { running: b, profile: b },
    'a home on its way hides nothing of the system'
  )
  t.same(lastLeft([system, alice], [], 'home:alice'), { running: c, profile: a })
  t.equal(lastLeft([system, alice, open], [], 'home:alice'), null)
  t.equal(lastLeft([system], [], 'home:bob'), null)
})

t.test('a home that could not be looked at, or is a part of the system, has not drifted', async (t) => {
  const home = (kind: 'standalone' | 'integrated' | 'unknown'): Observed => ({
    ...seen(null, c, null),
    profile: 'home:alice',
    home: { user: 'alice', kind, problem: null, userManager: false, failedUnits: [], hold: null }
  })
  const left = { running: b, profile: b }
  t.equal(withDrifts(home('standalone'), left).drift, true)
  t.same(withDrifts(home('unknown'), left).drifts, [])
  t.same(withDrifts(home('integrated'), left).drifts, [])
})
