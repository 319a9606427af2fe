import type { Role } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import { sameNonce } from './control.ts'
import type { Origin } from './events.ts'
import type { OperationState } from './state.ts'

/** Ways by which something is said. */
export type Transport = 'unix' | 'command line'

/** Who says something, and over which connection. */
export interface Caller {
  readonly principal: string
  /** CLOCK_MONOTONIC milliseconds at which the connection was opened. */
  readonly connectedMonotonicMs: number
  /** Of the socket that it came by; nothing where it came by none. */
  readonly role?: Role
  /** The way by which it came. */
  readonly transport?: Transport
  /** Identity of the request, as the answer and the log have it. */
  readonly request?: string
}

/** Who asked, and by which way, for a journal; no way where nobody did but the agent itself. */
export function askedBy({ principal, role, transport, request }: Caller): {
  readonly principal: string
  readonly origin?: Origin
} {
  if (role === undefined || transport === undefined) return { principal }
  return { principal, origin: { role, transport, ...(request === undefined ? {} : { request }) } }
}

/** Throws with its own code for each way in which a confirmation proves nothing. */
export function assertConfirmable(
  state: OperationState,
  nonce: string | undefined,
  caller: Caller,
  clock: Clock
): void {
  const { window, activation, phase, accepted } = state
  const now = clock.now()
  if (phase !== 'confirming' || window === null || now.bootId !== state.bootId) {
    throw new BelayError('not-confirming', `operation ${accepted.id} is ${phase}`, {
      found: phase,
      wanted: 'confirming'
    })
  }
  if (now.monotonicMs >= window.deadlineMonotonicMs) {
    throw new BelayError('not-confirming', 'the confirm window is over', {
      found: now.at,
      wanted: `before ${window.deadlineAt}`
    })
  }
  if (nonce === undefined || nonce === '') {
    throw new BelayError(
      'nonce-missing',
      "the confirmation carries no nonce; read the operation's over a new connection",
      { wanted: 'nonce' }
    )
  }
  if (!sameNonce(nonce, window.nonce)) {
    throw new BelayError('nonce-wrong', 'that nonce is of another operation or none', {
      wanted: "this operation's nonce"
    })
  }
  if (caller.connectedMonotonicMs <= (activation.endedMonotonicMs ?? Number.POSITIVE_INFINITY)) {
    throw new BelayError(
      'connection-too-old',
      'the connection or its login session was open before the activation ended; it proves nothing',
      {
        wanted: 'a connection opened after the activation: log in again'
      }
    )
  }
}
