import type { HostVerdictSummary } from '../../shared/api/controller.ts'
import { plainMarkdown as plain } from '../../shared/clean.ts'
import type { HostEvent } from '../collector/keeper.ts'
import type { Message } from '../notify/message.ts'
import type { Decision } from '../rollout/decide.ts'

/** Something that people should hear once; the key says what is the same. */
export interface Occasion {
  readonly key: string
  /** The host, or the rollout, that it is of. */
  readonly of: string
  readonly message: Omit<Message, 'id'>
}

const tags = ['belay']

/** What of a round people should hear: somebody has to approve, or harm was done. Pure. */
export function occasionsOf(
  rollout: string,
  { hosts, stages }: Pick<Decision, 'hosts' | 'stages'>
): Occasion[] {
  const waiting = new Set(
    hosts.flatMap(({ stage, reason }) => (reason?.code === 'waiting-for-approval' ? [stage] : []))
  )
  const approvals = stages
    .filter(({ name, is }) => is === 'open' && waiting.has(name))
    .map(
      ({ name, total }): Occasion => ({
        key: `approval ${rollout} ${name}`,
        of: rollout,
        message: {
          title: `rollout ${rollout}: stage ${name} waits for approval`,
          text: `Stage ${name} has ${total} hosts. Read \`belay rollout status\`, then \`belay rollout approve ${name}\`.`,
          priority: 'normal',
          tags
        }
      })
    )
  const harmed = hosts
    .filter(({ is }) => is === 'regressed')
    .map(
      ({ host, stage, attempt, reason }): Occasion => ({
        key: `halted ${rollout} ${host} ${attempt} ${reason?.code}`,
        of: host,
        message: {
          title: `rollout ${rollout} halted: ${host} is ${reason?.code ?? 'regressed'}`,
          text: [
            `${host}, stage ${plain(stage)}: ${plain(reason?.text ?? 'it regressed')}.`,
            'Nothing new begins; hosts keep what they have.',
            `What would change it: ${plain(reason?.unblock ?? 'a person')}.`
          ].join('\n'),
          priority: reason?.code === 'stuck' ? 'urgent' : 'high',
          tags
        }
      })
    )
  return [...approvals, ...harmed]
}

/** What of an event of a host people should hear: it went back, it is stuck, a verdict is ready. Pure. */
export function occasionOf({ kind, host, data }: HostEvent): Occasion | null {
  if (kind === 'operation')
    return wentBack(host, data as { operation: string; phase: string; message: string })
  if (kind !== 'verdict') return null
  const { verdict, storePath, because } = data as HostVerdictSummary
  if (verdict === 'INSUFFICIENT EVIDENCE') return null
  const why = because.map((line) => `- ${plain(line)}`).join('\n')
  return {
    key: `verdict ${host} ${storePath} ${verdict}`,
    of: host,
    message: {
      title: `${host}: the verdict is ${verdict}`,
      text: `${why === '' ? 'Every criterion passed.' : why}\n\nRead it with \`belay verdict ${host}\`.`,
      priority: verdict === 'NO-GO' ? 'high' : 'normal',
      tags
    }
  }
}

function wentBack(
  host: string,
  { operation, phase, message }: { operation: string; phase: string; message: string | null }
): Occasion | null {
  if (phase !== 'rolled-back' && phase !== 'stuck') return null
  const stuck = phase === 'stuck'
  return {
    key: `${phase} ${host} ${operation}`,
    of: host,
    message: {
      title: stuck ? `${host} is stuck: its rollback failed` : `${host} rolled back`,
      text: `${plain(message ?? phase)}\n\nOperation ${operation}.`,
      priority: stuck ? 'urgent' : 'high',
      tags
    }
  }
}
