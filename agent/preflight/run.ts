import type { CheckName, PreflightCheck } from '../../shared/api/preflight.ts'
import { checkNames } from '../../shared/api/preflight.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Check, Subject } from './check.ts'
import { carryOut } from './check.ts'

/** The checks of a platform, in the order of all. None hangs on another, and none disturbs another. */
export async function runPreflight(
  all: readonly Check[],
  subject: Subject
): Promise<readonly PreflightCheck[]> {
  const byName = new Map(all.map((check) => [check.name, check]))
  const checks = checkNames.map((name) => byName.get(name)).filter((check) => check !== undefined)
  return Promise.all(checks.map((check) => carryOut(check, subject)))
}

/**
 * Checks that keep an activation back where they cannot tell, whatever the settings say: whoever could slow one down
 * would get past it. Where no signatures are asked for this one passes.
 */
const alwaysKnown: readonly CheckName[] = ['signatures']

/** Why nothing may be activated, with the code of the first reason; null where nothing speaks against it. */
export function refusalOf(
  checks: readonly PreflightCheck[],
  mustKnow: readonly CheckName[]
): BelayError | null {
  const needed = new Set([...mustKnow, ...alwaysKnown])
  const reasons = checks.filter(
    ({ name, result }) => result === 'fail' || (result === 'unknown' && needed.has(name))
  )
  const [first, ...others] = reasons
  if (first === undefined) return null
  const also = others.length > 0 ? ` (also: ${others.map(({ name }) => name).join(', ')})` : ''
  const taken = alwaysKnown.includes(first.name) ? '' : ', or take it from the setting preflight.mustKnow'
  const remedy = first.remedy ?? `see docs/preflight.md${taken}`
  const text = first.result === 'fail' ? first.evidence : `${first.name} cannot be told: ${first.evidence}`
  return new BelayError(first.code ?? 'preflight-unknown', `${text}; ${remedy}${also}`, {
    found: first.evidence,
    wanted: remedy,
    at: `preflight.${first.name}`
  })
}
