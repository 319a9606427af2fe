import t from 'tap'
import type { Situation } from '../../../agent/desired/decide.ts'
import { decide, reasonOf } from '../../../agent/desired/decide.ts'
import type { OperationState } from '../../../agent/operation/state.ts'
import type { Desired } from '../../../shared/api/desired.ts'
import type { ProfileState } from '../../../shared/api/schemas.ts'

const path = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`
const [old, next, other] = [path('a', 'old'), path('b', 'next'), path('c', 'other')]
const at = (minute: number) => `2026-01-05T12:${String(minute).padStart(2, '0')}:00.000Z`
const now = Date.parse(at(30))

const desired: Desired = {
  profile: 'system',
  storePath: next,
  revision: 7,
  confirm: { by: 'health', windowSeconds: 60 },
  receivedAt: at(0),
  principal: 'operate socket',
  withdrawn: null
}
const profileOf = (storePath: string, more: Partial<ProfileState> = {}): ProfileState => ({
  profile: 'system',
  number: 1,
  storePath,
  running: storePath,
  booted: storePath,
  bootDefault: storePath,
  drift: false,
  drifts: [],
  ...more
})

interface Op {
  readonly id?: string
  readonly phase: OperationState['phase']
  readonly code?: string
  readonly attempt?: number | null
  readonly storePath?: string
  readonly kind?: 'activate' | 'rollback'
  readonly minute?: number
}

/** Of this revision, unless it has no attempt. */
function op({ id = 'B', phase, code, attempt = 1, storePath = next, kind, minute = 0 }: Op): OperationState {
  return {
    accepted: {
      type: 'accepted',
      id,
      kind: kind ?? 'activate',
      profile: 'system',
      target: { number: null, storePath },
      confirm: desired.confirm,
      ...(attempt === null ? {} : { revision: 7 }),
      principal: 'somebody',
      reason: null,
      idempotency: attempt === null ? null : { key: `desired/7/${attempt}`, request: '' }
    },
    mode: 'switch',
    phase,
    reason: `${phase} ${code ?? ''}`.trim(),
    code: code ?? null,
    baseline: null,
    activation: { started: false, outcome: null, endedMonotonicMs: null },
    window: null,
    confirmedBy: null,
    rebooted: null,
    retarget: null,
    acceptedAt: at(minute),
    updatedAt: at(minute),
    bootId: '1'
  }
}

const closedNow = { days: ['mon' as const], from: '22:00', to: '23:00', timeZone: 'UTC' }
const openNow = { ...closedNow, from: '12:00', to: '13:00' }

const situation = (more: Partial<Situation>): Situation => ({
  desired,
  after: 'A',
  reachedAt: null,
  profile: profileOf(old),
  operations: [],
  hold: null,
  windows: [],
  bad: null,
  cancelledBy: null,
  isThere: true,
  nowMs: now,
  ...more
})
const hold = { reason: 'she travels', principal: 'admin socket', at: at(1), operation: null }
const drifts = [{ kind: 'switched-by-hand' as const, found: other, wanted: old }]
const start = (attempt: number, again = false) => ({ do: 'start', key: `desired/7/${attempt}`, again })
const wait = (code: string, more: object = {}) => ({ do: 'nothing', is: 'pending', why: { code, ...more } })

const cases: readonly (readonly [string, Partial<Situation>, object])[] = [
  ['nothing in the way', {}, start(1)],
  ['profile, running and boot default are it', { profile: profileOf(next) }, { is: 'reached' }],
  [
    'a host that knows no boot default',
    { profile: profileOf(next, { bootDefault: null }) },
    { is: 'reached' }
  ],
  ['it runs, and the boot default is not it', { profile: profileOf(next, { bootDefault: old }) }, start(1)],
  ['not here', { isThere: false }, { do: 'fetch' }],
  ['not here, and on hold: it is fetched meanwhile', { isThere: false, hold }, { do: 'fetch' }],
  ['on hold', { hold }, wait('held', { text: /she travels/, unblock: /release/ })],
  [
    'the windows of the host are closed',
    { windows: [closedNow] },
    wait('outside-window', { unblock: /22:00/ })
  ],
  [
    'its own window is closed',
    { windows: [openNow], desired: { ...desired, windows: [closedNow] } },
    wait('outside-window', { text: /desired state/ })
  ],
  ['both are open', { windows: [openNow], desired: { ...desired, windows: [openNow] } }, start(1)],
  ['its operation is on its way', { operations: [op({ phase: 'verifying' })] }, wait('converging')],
  ['a reboot is waited for', { operations: [op({ phase: 'staged' })] }, wait('waiting-for-reboot')],
  [
    'another operation is on its way',
    { operations: [op({ phase: 'fetching', storePath: other, attempt: null })] },
    wait('operation-running')
  ],
  [
    'a rollback is on its way',
    { operations: [op({ phase: 'rolling-back', kind: 'rollback', attempt: null })] },
    wait('operation-running')
  ],
  ['switched by hand', { profile: profileOf(old, { drift: true, drifts }) }, wait('drifted')],
  ['reached once, and left', { reachedAt: at(5) }, wait('drifted', { text: /now runs .*-old/ })],
  [
    'rolled back on its own account',
    { operations: [op({ phase: 'rolled-back', code: 'regression' })] },
    wait('known-bad', { operation: 'B' })
  ],
  [
    'nobody confirmed',
    { operations: [op({ phase: 'rolled-back', code: 'confirm-timeout' })] },
    wait('known-bad')
  ],
  [
    'gave way to another, a moment ago',
    { operations: [op({ phase: 'rolled-back', code: 'locked', minute: 30 })] },
    wait('refused', { unblock: /12:31/ })
  ],
  [
    'gave way to another, long ago',
    { operations: [op({ phase: 'rolled-back', code: 'locked', minute: 10 })] },
    start(2)
  ],
  [
    'the wait doubles',
    { operations: [op({ phase: 'refused', code: 'no-space', minute: 20, attempt: 5 })] },
    wait('refused', { unblock: /12:36/ })
  ],
  [
    'the oldest attempts are forgotten, and no key comes twice',
    { operations: [op({ phase: 'refused', code: 'no-space', minute: 0, attempt: 5 })] },
    start(6)
  ],
  [
    'the clock was set back',
    { operations: [op({ phase: 'refused', code: 'no-space', minute: 59 })] },
    start(2)
  ],
  [
    'cancelled by a person',
    { operations: [op({ phase: 'cancelled' })], cancelledBy: 'admin socket' },
    wait('cancelled')
  ],
  [
    'cancelled by a person in mid-activation',
    { operations: [op({ phase: 'rolled-back', code: 'cancelled' })], cancelledBy: 'admin socket' },
    wait('cancelled')
  ],
  [
    'cancelled by the agent, whose runner did not start',
    { operations: [op({ phase: 'cancelled' })], cancelledBy: 'agent' },
    start(2)
  ],
  [
    'the plan is another one',
    { operations: [op({ phase: 'refused', code: 'plan-changed', minute: 30 })] },
    wait('plan-changed')
  ],
  ['marked bad by an earlier revision', { bad: 'it was worse' }, wait('known-bad', { text: 'it was worse' })],
  ['marked bad, and wanted again', { bad: 'x', desired: { ...desired, again: true } }, start(1, true)],
  [
    'wanted again, and rolled back again',
    {
      bad: 'x',
      desired: { ...desired, again: true },
      operations: [op({ phase: 'rolled-back', code: 'regression' })]
    },
    wait('known-bad')
  ],
  [
    'somebody activated something else since',
    { operations: [op({ phase: 'committed', storePath: other, attempt: null })], profile: profileOf(other) },
    wait('overtaken', { text: /activated something else since, in operation B/ })
  ],
  [
    'that was before',
    {
      after: 'B',
      operations: [op({ phase: 'committed', storePath: other, attempt: null })],
      profile: profileOf(other)
    },
    start(1)
  ],
  [
    'somebody rolled back since',
    {
      operations: [
        op({ phase: 'committed' }),
        op({ id: 'C', phase: 'rolled-back', kind: 'rollback', attempt: null })
      ]
    },
    wait('overtaken', { text: /rolled back since/, operation: 'C' })
  ],
  [
    'what somebody else tried has changed nothing',
    { operations: [op({ phase: 'rolled-back', storePath: other, attempt: null })] },
    start(1)
  ],
  [
    'somebody else brought it, and it was left by hand since',
    { operations: [op({ phase: 'committed', attempt: null })] },
    wait('drifted')
  ]
]

for (const [name, more, expected] of cases)
  t.test(name, async (t) => {
    t.match(decide(situation(more)), expected)
  })

t.test('every code of a refusal has a reason', async (t) => {
  t.equal(reasonOf('approval-too-few'), 'waiting-for-approval')
  t.equal(reasonOf('path-not-valid'), 'path-missing')
  t.equal(reasonOf('users-logged-in'), 'refused')
  t.equal(reasonOf(null), 'refused')
})
