import type {
  PlannedAlerts,
  PlannedGate,
  PlannedStage,
  PlannedWindow,
  RolloutPlan
} from '../../../shared/api/rollout.ts'
import { clean } from '../../../shared/clean.ts'
import type { Paint } from './text.ts'
import { duration, shortPath } from './text.ts'

/** A plan to read: stages with their conditions, hosts with the reason why they stand there. */
export function planView(plan: RolloutPlan, paint: Paint): string {
  const lines = [
    `${paint('bold', `rollout ${plan.id}`)}  revision ${plan.revision}, ${plan.hosts.length} hosts, at most ${plan.maxParallel} at the same time`,
    ...(plan.note === null ? [] : [clean(plan.note)]),
    ...plan.order.map(({ role, before }) => paint('dim', `role ${role} before role ${before}`)),
    ...plan.budgets.map(({ by, name, maxUnavailable }) =>
      paint('dim', `at most ${maxUnavailable} with ${by} ${name} under way or down`)
    ),
    '',
    ...plan.stages.flatMap((stage, index) => stageLines(plan, stage, index, paint))
  ]
  return `${lines.join('\n')}\n`
}

function stageLines(plan: RolloutPlan, stage: PlannedStage, index: number, paint: Paint): string[] {
  const members = plan.hosts.filter((host) => host.stage === stage.name)
  const width = Math.max(...members.map(({ name }) => name.length))
  return [
    `${index + 1}. ${paint('bold', stage.name)}  ${paint('dim', stage.why.join('; '))}`,
    ...conditions(stage).map((line) => `   ${clean(line)}`),
    ...members.map(
      ({ name, storePath, planHash, why }) =>
        `     ${name.padEnd(width)}  ${shortPath(storePath)}  ${planText(planHash)}  ${paint('dim', clean(why.join('; ')))}`
    ),
    ...members.flatMap(({ name, homes = [] }) =>
      homes.map(
        ({ user, storePath, planHash }) =>
          `     ${clean(user)}@${name}  ${shortPath(storePath)}  ${planText(planHash)}  ${paint('dim', `with the system of ${name}`)}`
      )
    ),
    ''
  ]
}

const planText = (hash: string | null) => (hash === null ? 'plan not read' : `plan ${hash.slice(0, 12)}`)

function conditions(stage: PlannedStage): string[] {
  return [
    `${stage.maxParallel} at a time${mannerText(stage)}`,
    ...(stage.alerts ?? []).map((each) => `halts on alerts: ${alertsText(each)}`),
    ...(stage.approval ? ['begins when a person approves it'] : []),
    ...(stage.windows.length > 0 ? [`only ${stage.windows.map(windowText).join(', or ')}`] : []),
    ...stage.gatesBefore.map((gate) => `before: ${gateText(gate)}`),
    ...(stage.soakSeconds > 0 ? [`then watched for ${duration(stage.soakSeconds)}`] : []),
    ...(stage.verdict === 'none' ? [] : [`then every host needs the verdict ${stage.verdict}`]),
    ...stage.gatesAfter.map((gate) => `after: ${gateText(gate)}`),
    ...(stage.away === 'wait' ? ['waits for hosts that are away'] : [])
  ]
}

const mannerText = ({ mode, reboot }: PlannedStage) =>
  `${mode === undefined ? '' : `, mode ${mode}`}${reboot ? ', rebooted into what is staged' : ''}`

const alertsText = ({ name, url, match = {}, query }: PlannedAlerts) => {
  const labels = Object.entries(match).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return `${name} of ${url}, ${query ?? (labels.length === 0 ? 'any' : labels.join(', '))}`
}

const gateText = ({ name, command }: PlannedGate) => `gate ${name}: ${command.join(' ')}`

const windowText = ({ days, from, to, timeZone }: PlannedWindow) =>
  `${days === undefined ? '' : `${days.join(' ')} `}${from}–${to} ${timeZone}`
