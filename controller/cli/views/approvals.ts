import type { Approval } from '../../../shared/api/approval.ts'
import { clean } from '../../../shared/clean.ts'
import { summaryLine } from '../../../shared/plan/summary.ts'
import type { Approved, ToSign } from '../../approval/approve.ts'
import type { Cell, Paint } from './text.ts'
import { duration, shortPath, table } from './text.ts'

/** What is about to be signed, in words, and then the text itself. */
export function toSignView({ statement, text, fingerprint, plan }: ToSign, paint: Paint): string {
  const { host, storePath, planHash, mode, confirm, revision, issuedAt, expiresAt } = statement
  const lifetime = duration((Date.parse(expiresAt) - Date.parse(issuedAt)) / 1000)
  const lines = [
    `You approve that ${paint('bold', clean(host))} activates, once and within ${lifetime},`,
    `  ${storePath}`,
    `if that still does what the plan ${planHash.slice(0, 12)}… says: ${summaryLine(plan)}.`,
    ...plan.notCovered.map(({ text }) => `  ${paint('yellow', 'not rolled back:')} ${clean(text)}`),
    `${modes[mode]}, committed by ${confirms[confirm]}.`,
    ...(revision === null ? [] : [`Only as revision ${revision} of its desired state.`]),
    `With the key ${clean(fingerprint)}. What is signed:`,
    ''
  ]
  return `${lines.join('\n')}\n${text.replaceAll(/^(?=.)/gm, `${paint('dim', '|')} `)}\n`
}

const modes = {
  switch: 'At once',
  boot: 'By a boot on trial',
  auto: 'At once, or by a boot on trial where only a reboot brings a part of it'
} as const
const confirms = {
  connection: 'a connection that is opened afterwards',
  health: 'local verification alone'
} as const

/** What became of it. */
export function approvedView({ received }: Approved, out: string | undefined): string {
  if (received === null) return `Signed: ${clean(out ?? '')}. On the host: belay-agent approve FILE\n`
  return `${clean(received.host)} has it: approved by ${clean(received.principal)}, ${received.id}.\n`
}

const formats = { waiting: 'green', used: 'dim', revoked: 'red', expired: 'dim' } as const

/** Approvals as a table. */
export function approvalsView(all: readonly Approval[], nowMs: number, paint: Paint): string {
  if (all.length === 0) return 'No approvals.\n'
  const rows = all.map((approval): Cell[] => [
    { text: approval.id },
    { text: approval.state, format: formats[approval.state] },
    { text: clean(approval.principal) },
    { text: `${approval.planHash.slice(0, 12)}…` },
    { text: clean(shortPath(approval.storePath)) },
    { text: remark(approval, nowMs) }
  ])
  return table(['ID', 'STATE', 'BY', 'PLAN', 'PATH', ''], rows, paint)
}

function remark({ state, expiresAt, endedBy, reason }: Approval, nowMs: number): string {
  if (state === 'waiting') return `${duration((Date.parse(expiresAt) - nowMs) / 1000)} left`
  return clean([endedBy, reason].filter((part) => part !== null).join(': '))
}
