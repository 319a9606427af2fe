import { describeError } from '../../shared/errors.ts'
import type { Finding, Question } from '../health/kinds/kind.ts'
import { unknown } from '../health/kinds/kind.ts'
import { networkKinds } from '../health/kinds/network.ts'

/** A message is for a line; the agent cuts it once more. */
const MAX_MESSAGE = 500

/** Looks for the agent, in the network half. Never rejects. */
export async function lookFor(
  { kind, options, withinMs }: Question,
  cancelled: AbortSignal
): Promise<Finding> {
  const late = withinMs === undefined ? null : AbortSignal.timeout(withinMs)
  const signal = late === null ? cancelled : AbortSignal.any([cancelled, late])
  try {
    if (!isNetworkKind(kind)) return unknown(`no kind ${kind} looks over the network`)
    const look = async () => networkKinds[kind].begin(options)({ root: '', now: Date.now, signal })
    const { result, value, message } = await Promise.race([look(), over(signal)])
    return { result, value, message: message.slice(0, MAX_MESSAGE).toWellFormed() }
  } catch (error) {
    if (late?.aborted) return unknown(`no answer within ${(withinMs ?? 0) / 1000} s`)
    return unknown(`could not look: ${describeError(error)}`.slice(0, MAX_MESSAGE).toWellFormed())
  }
}

/** Rejects with the signal, which a look may not heed: without an answer the agent ends the half, and all else with it. */
const over = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const giveUp = () => reject(signal.reason as Error)
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })

const isNetworkKind = (kind: string): kind is keyof typeof networkKinds => Object.hasOwn(networkKinds, kind)
