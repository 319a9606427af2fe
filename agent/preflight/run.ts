import type { CheckName, PreflightCheck } from '../../shared/api/preflight.ts'
import { checkNames } from '../../shared/api/preflight.ts'
import { BelayError } from '../../shared/errors.ts'
import { agentRuns } from './agent-runs.ts'
import { baseline } from './baseline.ts'
import { bootEntry, bootWritable } from './boot.ts'
import { agent, candidate, reboot } from './candidate.ts'
import type { Check, Subject } from './check.ts'
import { carryOut } from './check.ts'
import { clock } from './clock.ts'
import { otherActivation } from './other-activation.ts'
import { hold, secondWay, users, window } from './people.ts'
import { baselineSecrets, secrets } from './secrets.ts'
import { spaceBoot, spaceState, spaceStore } from './space.ts'
import { signatures, trust } from './trust.ts'

const all: readonly Check[] = [
  ...[hold, window, candidate, agent, agentRuns, trust, signatures, secrets, reboot],
  ...[
    otherActivation,
    baseline,
    bootEntry,
    baselineSecrets,
    spaceStore,
    spaceBoot,
    spaceState,
    bootWritable,
    secondWay,
    users,
    clock
  ]
]
const byName = new Map(all.map((check) => [check.name, check]))

/** All checks, in their order. None hangs on another, and none disturbs another. */
export async function runPreflight(subject: Subject): Promise<readonly PreflightCheck[]> {
  const checks = checkNames.map((name) => byName.get(name)).filter((check) => check !== undefined)
  return Promise.all(checks.map((check) => carryOut(check, subject)))
}

/** Why nothing may be activated, with the code of the first reason; null where nothing speaks against it. */
export function refusalOf(
  checks: readonly PreflightCheck[],
  mustKnow: readonly CheckName[]
): BelayError | null {
  const reasons = checks.filter(
    ({ name, result }) => result === 'fail' || (result === 'unknown' && mustKnow.includes(name))
  )
  const [first, ...others] = reasons
  if (first === undefined) return null
  const also = others.length > 0 ? ` (also: ${others.map(({ name }) => name).join(', ')})` : ''
  const remedy = first.remedy ?? 'see docs/preflight.md, or take it from the setting preflight.mustKnow'
  const text = first.result === 'fail' ? first.evidence : `${first.name} cannot be told: ${first.evidence}`
  return new BelayError(first.code ?? 'preflight-unknown', `${text}; ${remedy}${also}`, {
    found: first.evidence,
    wanted: remedy,
    at: `preflight.${first.name}`
  })
}
