import type { AgentClient } from '../../shared/agent-client/client.ts'
import type { Operation } from '../../shared/api/schemas.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import type { Context } from './context.ts'
import { nameOf, overTunnel } from './context.ts'

/** Milliseconds; a timer that is longer fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Milliseconds added to the window until a silent host is given up: activation, verification, rollback. */
const GRACE = 180_000

/** What has been seen of the log, so that a new connection, which hears it from the start, repeats nothing. */
interface Seen {
  seq: number
  outputs: number
  /** The agent has taken our confirmation. */
  confirmed: boolean
}

/** The same for a host that boots the candidate on trial, and perhaps its baseline after that. */
const BOOT_GRACE = 900_000

/**
 * The same, but not for ever: a host may wait for a person for days, and a broken one says it is busy for as long. Null when
 * the time of the plan is over.
 */
export async function followAtMost(context: Context, id: string): Promise<Operation | null> {
  const limit = AbortSignal.timeout(Math.min(context.plan.waitSeconds * 1000, LONGEST_TIMER))
  try {
    return await followOperation({ ...context, signal: AbortSignal.any([context.signal, limit]) }, id)
  } catch (error) {
    if (context.signal.aborted || !limit.aborted) throw error
    return null
  }
}

/** Follows an operation to its end, or to where it waits for a reboot, through as many connections as it takes, and confirms it on the way. */
async function followOperation(context: Context, id: string): Promise<Operation> {
  const seen: Seen = { seq: -1, outputs: 0, confirmed: false }
  return await overTunnel(context, patience(context), async (client) => {
    const now = await look(context, client, id)
    if (rests(context, now)) {
      // The log says how it came about; the result does not depend on it.
      await readLog(context, client, id, seen).catch(() => context.signal.throwIfAborted())
      return now
    }
    if (now.phase === 'confirming') await confirmFresh(context, id, seen)
    if (now.phase === 'staged') await bootStaged(client, id)
    await readLog(context, client, id, seen)
    const end = await look(context, client, id)
    if (rests(context, end)) return end
    throw new BelayError('host-unreachable', `the log ended while the host was ${end.phase}`)
  })
}

/** True where nothing more happens by itself that an operator would wait for. */
function rests({ plan }: Context, { terminal, phase }: Operation): boolean {
  return terminal || phase === 'stuck' || (phase === 'staged' && !plan.reboot)
}

async function look(context: Context, client: AgentClient, id: string): Promise<Operation> {
  const operation = await client.operation(id)
  context.lastContact = context.clock.now()
  return operation
}

/** Reads the log until it ends or the host is stuck, which a person must see now. */
async function readLog(context: Context, client: AgentClient, id: string, seen: Seen): Promise<void> {
  const { clock, emit, plan } = context
  let outputs = 0
  for await (const event of client.log(id, context.signal)) {
    context.lastContact = clock.now()
    if (event.type === 'output') {
      outputs += 1
      if (outputs <= seen.outputs) continue
      seen.outputs = outputs
      context.news += 1
      const at = new Date(clock.now()).toISOString()
      emit({ type: 'output', at, host: nameOf(plan), line: event.line })
    } else if (event.seq > seen.seq) {
      seen.seq = event.seq
      context.news += 1
      context.step(event.phase, event.message)
      if (event.phase === 'confirming') await confirmFresh(context, id, seen)
      if (event.phase === 'stuck' || (event.phase === 'staged' && !context.plan.reboot)) return
      if (event.phase === 'staged') await bootStaged(client, id)
    }
  }
}

/** Asks for the trial boot; one that has begun meanwhile is what was asked for. */
async function bootStaged(client: AgentClient, id: string): Promise<void> {
  await client.reboot(id).catch((error: unknown) => {
    if (codeOf(error) !== 'not-staged') throw error
  })
}

/**
 * Confirms over a connection of its own, opened now, after the activation: that it can be opened is what is proven.
 * Does nothing when the host is past the question. What the agent refuses is told, and the host decides.
 */
async function confirmFresh(context: Context, id: string, seen: Seen): Promise<void> {
  if (seen.confirmed) return
  try {
    await overTunnel(context, patience(context), async (client) => {
      const { phase, confirmation } = await look(context, client, id)
      if (phase !== 'confirming') return
      const nonce = confirmation?.nonce
      if (!nonce) throw new BelayError('nonce-missing', 'the agent does not show us the nonce')
      await client.confirm(id, nonce)
      seen.confirmed = true
      context.note('confirmed over a new connection')
    })
  } catch (error) {
    context.signal.throwIfAborted()
    if (codeOf(error) === 'host-unreachable') throw error
    context.note(`not confirmed, the host will roll back: ${describeError(error)}`)
  }
}

function patience(context: Context): number {
  return context.plan.windowSeconds * 1000 + (context.plan.reboot ? BOOT_GRACE : GRACE)
}
