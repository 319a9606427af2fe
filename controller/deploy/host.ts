import type { ProfileName } from '../../shared/api/profile.ts'
import { homeOf } from '../../shared/api/profile.ts'
import type { Host, Operation } from '../../shared/api/schemas.ts'
import { BelayError, codeOf, describeError, errorCodes } from '../../shared/errors.ts'
import type { Context, DeployPorts, HomePlan, HostPlan } from './context.ts'
import { contextOf, nameOf, overTunnel } from './context.ts'
import type { HostResult, Outcome } from './events.ts'
import { followAtMost } from './follow.ts'

/** Milliseconds in which a host that has no operation yet must be reached. */
const START_PATIENCE = 20_000

type End = Pick<HostResult, 'outcome' | 'reason' | 'code'>

/** Brings one host to its candidate, or says why not. Never throws. */
export async function deployHost(plan: HostPlan, ports: DeployPorts): Promise<HostResult> {
  const started = ports.clock.now()
  const context = contextOf(plan, ports)
  const end = await carryOut(context).catch((error: unknown) => endOfError(context, error))
  const result: HostResult = {
    host: nameOf(plan),
    ...end,
    storePath: plan.storePath,
    operation: context.operation,
    seconds: Math.round((ports.clock.now() - started) / 100) / 10
  }
  ports.emit({ type: 'result', at: new Date(ports.clock.now()).toISOString(), result })
  return result
}

async function carryOut(context: Context): Promise<End> {
  const { plan } = context
  context.signal.throwIfAborted()
  context.step('connecting', `to ${plan.host.ssh.user}@${plan.host.ssh.host}`)
  const host = await overTunnel(context, START_PATIENCE, (client) => client.host())
  if (runsAlready(host, plan)) {
    return { outcome: 'unchanged', reason: 'runs this generation already', code: null }
  }
  for (const { storePath } of [plan, ...(plan.homes ?? [])]) {
    context.step('pushing', storePath)
    await context.push(plan.host, storePath)
  }
  // Checklist and secrets are those of the system: a home that moves alone asks for neither.
  if (context.prepare !== undefined && plan.profile === undefined) {
    context.step('preparing', 'what must be there before it is activated')
    await context.prepare(plan.host, plan.storePath)
  }
  const { id } = await start(context)
  context.operation = id
  const operation = await followAtMost(context, id)
  if (operation !== null) return endOfOperation(operation)
  const reason = `not at an end after ${plan.waitSeconds} s; the host goes on by itself`
  return { outcome: 'not-followed', reason, code: null }
}

/** Asks the agent to begin. The same key each time: what is asked twice is one operation. */
async function start(context: Context): Promise<Operation> {
  const { plan, clock } = context
  const key = context.newKey()
  context.lastContact = clock.now()
  return await overTunnel(context, START_PATIENCE, async (client) => {
    context.asked = true
    const operation = await client.start(
      {
        storePath: plan.storePath,
        confirm: { by: 'connection', windowSeconds: plan.windowSeconds },
        ...(plan.reason === null ? {} : { reason: plan.reason }),
        // Only where asked for: an agent of before knows no such field.
        ...(plan.mode === null ? {} : { mode: plan.mode }),
        ...(plan.revision === undefined ? {} : { revision: plan.revision }),
        ...(plan.profile === undefined ? {} : { profile: plan.profile }),
        ...(plan.homes === undefined || plan.homes.length === 0
          ? {}
          : { homes: plan.homes.map(withoutNull) }),
        ...(plan.planHash == null ? {} : { planHash: plan.planHash }),
        ...(plan.outsideWindow ? { outsideWindow: true } : {}),
        ...(plan.again ? { again: true } : {}),
        ...(plan.overDrift ? { overDrift: true } : {})
      },
      key
    )
    context.lastContact = clock.now()
    return operation
  })
}

const withoutNull = ({ user, storePath, planHash }: HomePlan) => ({
  ...{ user, storePath },
  ...(planHash == null ? {} : { planHash })
})

/** True when profile, running system and, where known, the boot default are the candidate, and so for every home. */
function runsAlready(host: Host, { storePath, profile = 'system', homes = [] }: HostPlan): boolean {
  const runs = (name: ProfileName, wanted: string) => {
    const seen = host.profiles.find((each) => each.profile === name)
    return [seen?.storePath, seen?.running, seen?.bootDefault ?? wanted].every((path) => path === wanted)
  }
  return runs(profile, storePath) && homes.every((home) => runs(homeOf(home.user), home.storePath))
}

function endOfOperation({ phase, reason, code }: Operation): End {
  const outcome: Outcome =
    phase === 'committed' ||
    phase === 'staged' ||
    phase === 'rolled-back' ||
    phase === 'refused' ||
    phase === 'cancelled'
      ? phase
      : 'stuck'
  return { outcome, reason: reason ?? '', code }
}

function endOfError(context: Context, error: unknown): End {
  if (context.signal.aborted) {
    return context.asked
      ? { outcome: 'not-followed', reason: 'stopped following; the host goes on by itself', code: null }
      : { outcome: 'not-started', reason: 'interrupted before anything changed', code: null }
  }
  const code = codeOf(error)
  const reason = describeOnce(error)
  if (context.operation !== null) {
    const alone = 'the host decides alone: it rolls back at its deadline'
    return { outcome: 'unreachable', reason: `${reason}; ${alone}`, code }
  }
  if (context.asked && errorCodes[code] < 500) return { outcome: 'refused', reason, code }
  if (context.asked) {
    const unknown = 'nobody knows whether the operation began; the host decides alone'
    return { outcome: 'unreachable', reason: `${reason}; ${unknown}`, code }
  }
  if (code === 'host-unreachable') {
    return { outcome: 'unreachable', reason: `${reason}; nothing was started`, code }
  }
  return { outcome: 'not-started', reason, code }
}

/** Our own messages name their cause already; a strange error says all it knows. */
function describeOnce(error: unknown): string {
  return error instanceof BelayError ? error.message : describeError(error)
}
