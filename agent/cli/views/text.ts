import { driftTexts } from '../../../shared/api/drift.ts'
import type { GenerationMark } from '../../../shared/api/mark.ts'
import { isOfSystem } from '../../../shared/api/profile.ts'
import type { Generation, Host, Operation, OperationEvent } from '../../../shared/api/schemas.ts'
import { clean } from '../../../shared/clean.ts'
import { homes } from './homes.ts'
import { holdLine } from './preflight.ts'
import { short } from './short.ts'

/** State of the host in a few lines. */
export function status(host: Host, newest: Operation | null): string {
  const profile = host.profiles.find(isOfSystem)
  const lines = [`${host.name}  ${host.platform} ${host.system}  agent ${host.agentVersion}`]
  if (profile) {
    lines.push(
      `  profile    ${profile.number ?? '-'}  ${short(profile.storePath)}`,
      `  running       ${short(profile.running)}`,
      `  next boot     ${short(profile.bootDefault)}`
    )
    for (const { kind, found, wanted } of profile.drifts)
      lines.push(`  drift         ${driftTexts[kind]} (${kind}: ${short(found)}, wanted ${short(wanted)})`)
  }
  if (host.hold) lines.push(holdLine(host.hold))
  lines.push(...homes(host.profiles))
  lines.push(newest ? operation(newest) : '  no operation yet')
  return lines.join('\n')
}

/** One operation in a line, and how to confirm it when it waits for that. */
export function operation(op: Operation): string {
  const homes = (op.homes ?? []).map(({ user }) => ` and home:${user}`).join('')
  const of = isOfSystem(op) ? (homes === '' ? '' : `  system${homes}`) : `  ${op.profile}`
  const line = `  operation ${op.id}${of}  ${op.kind}  ${op.phase}${op.reason === null ? '' : `: ${clean(op.reason)}`}`
  return op.confirmation === null
    ? line
    : `${line}\n  confirm until ${op.confirmation.deadline}: belay-agent confirm ${op.id}`
}

/** What a person does about a generation that waits for its trial boot. */
export const staged = () =>
  'Staged. To boot it, on trial: belay-agent reboot. To give it up: belay-agent rollback'

/** Generations, newest last, with marks. */
export function generations(all: readonly Generation[]): string {
  const lines = all.map(({ number, createdAt, storePath, mark, ...marks }) => {
    const named = { current: 'profile', running: 'running' } as const
    const text: string[] = (Object.keys(named) as (keyof typeof named)[])
      .filter((key) => marks[key])
      .map((key) => named[key])
    text.push(markText(mark))
    return `${String(number).padStart(4)}  ${createdAt.slice(0, 19).replace('T', ' ')}  ${short(storePath)}  ${text.join(', ')}`.trimEnd()
  })
  return lines.length === 0 ? 'no generations' : lines.join('\n')
}

/** A mark in words; of a bad one why, and which operation says so. */
function markText({ state, reason, operation }: GenerationMark): string {
  if (state !== 'bad') return state
  return `bad: ${clean(reason ?? 'nobody knows why')} (${operation})`
}

/** One event in one line. */
export function event(e: OperationEvent): string {
  return e.type === 'output'
    ? `           | ${clean(e.line)}`
    : `${e.at.slice(11, 19)}  ${e.phase.padEnd(12)} ${clean(e.message)}`
}
