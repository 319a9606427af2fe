import type { HostObservation, Verdict } from '../../../controller/rollout/observation.ts'
import type { StartRequest } from '../../../controller/rollout/ports.ts'
import type { PlannedHost } from '../../../shared/api/rollout.ts'
import type { Phase } from '../../../shared/operation/phase.ts'
import { isTerminal } from '../../../shared/operation/phase.ts'

/** How a host takes a generation. */
export type Temper = 'good' | 'bad' | 'refuses' | 'stuck'

interface SimOperation {
  readonly id: string
  readonly key: string
  readonly candidate: string
  readonly baseline: string
  phase: Phase
  updatedAt: number
  readonly endsAt: number
}

/** One simulated host: what an agent would answer, on the world's clock. */
interface SimHost {
  on: boolean
  temper: Temper
  running: string
  readonly operations: SimOperation[]
  /** Seconds that an activation takes. */
  seconds: number
  verdict: Verdict | null
  /** An operation that somebody else began. */
  other: boolean
  /** Why it holds itself. */
  hold: string | null
  /** Its ledger counts, while it is on; where not, the controller has only its own clock. */
  ledger: boolean
  /** Milliseconds for which it was on with what it runs. */
  onMs: number
}

/** Hosts with agents that know idempotency keys, and a clock that stands until it is moved. */
export function simWorld(start: number) {
  let now = start
  let serial = 0
  const hosts = new Map<string, SimHost>()
  /** Every activation that began, which is what must not happen twice. */
  const activations: { readonly host: string; readonly candidate: string; readonly at: number }[] = []
  const host = (name: string): SimHost => {
    const found = hosts.get(name) ?? {
      on: true,
      temper: 'good',
      running: 'old',
      operations: [],
      seconds: 60,
      verdict: null,
      other: false,
      hold: null,
      ledger: false,
      onMs: 0
    }
    hosts.set(name, found)
    return found
  }
  const finish = (each: SimHost) => {
    for (const operation of each.operations) {
      if (isTerminal(operation.phase) || operation.phase === 'stuck' || operation.endsAt > now) continue
      const ends = { good: 'committed', bad: 'rolled-back', refuses: 'refused', stuck: 'stuck' } as const
      operation.phase = ends[each.temper]
      operation.updatedAt = operation.endsAt
      if (operation.phase !== 'committed') continue
      each.running = operation.candidate
      each.onMs = now - operation.endsAt
    }
  }
  return {
    now: () => now,
    host,
    activations,
    to(time: number) {
      for (const each of hosts.values()) if (each.on) each.onMs += time - now
      now = time
      for (const each of hosts.values()) finish(each)
    },
    /** Begins, unless the key is known or another operation runs. */
    start(
      { name, storePath }: PlannedHost,
      { key }: Pick<StartRequest, 'key'>
    ): { readonly operation: string } | 'busy' | 'silent' {
      const each = host(name)
      if (!each.on) return 'silent'
      const known = each.operations.find((operation) => operation.key === key)
      if (known !== undefined) return { operation: known.id }
      if (each.other || each.operations.some(({ phase }) => !isTerminal(phase))) return 'busy'
      serial += 1
      const id = `op-${String(serial).padStart(8, '0')}`
      const times = { updatedAt: now, endsAt: now + each.seconds * 1000 }
      const baseline = each.running
      each.operations.push({ id, key, candidate: storePath, baseline, phase: 'activating', ...times })
      activations.push({ host: name, candidate: storePath, at: now })
      finish(each)
      return { operation: id }
    },
    observe({ name, storePath }: PlannedHost): HostObservation {
      const each = host(name)
      const own = each.on ? each.operations.findLast(({ candidate }) => candidate === storePath) : undefined
      return {
        host: name,
        reachable: each.on,
        at: now,
        error: each.on ? null : 'no answer',
        runsPlanned: each.on && each.running === storePath,
        running: each.on ? each.running : null,
        operation:
          own === undefined
            ? null
            : {
                id: own.id,
                phase: own.phase,
                code: own.phase === 'rolled-back' ? 'unit-failed' : null,
                reason: own.phase === 'rolled-back' ? 'web.service failed' : null,
                updatedAt: new Date(own.updatedAt).toISOString(),
                baseline: own.baseline
              },
        newest: each.on ? (each.operations.at(-1)?.id ?? null) : null,
        otherRunning: each.on && each.other ? 'op-other' : null,
        verdict: each.verdict,
        hold: each.hold,
        soakSeconds: soakOf(each, storePath)
      }
    }
  }
}

/** What the ledger of the host says of the generation. */
const soakOf = ({ on, ledger, running, onMs }: SimHost, storePath: string) =>
  on && ledger && running === storePath ? onMs / 1000 : null

export type SimWorld = ReturnType<typeof simWorld>
