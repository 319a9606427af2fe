import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { IncidentRequest } from '../../shared/api/soak.ts'
import { severities } from '../../shared/verdict/evidence.ts'
import type { Context, Terminal } from './commands.ts'
import type { HistoryOptions } from './soak.ts'

/** What these commands get of the command line around them. */
interface Shell {
  readonly program: Command
  readonly terminal: Terminal
  readonly context: () => Promise<Context>
  readonly exit: (code: number) => void
}

const text = (maxLength: number) => (value: string) => {
  if (value.trim() !== '' && value.length <= maxLength) return value
  throw new InvalidArgumentError(`wanted 1 to ${maxLength} characters`)
}

/** Adds the commands about soak, issues log, baselines and history. */
export function addSoak(shell: Shell): void {
  const { program, context, exit, terminal } = shell
  program
    .command('soak')
    .description('how long the running generation runs, and what happened since')
    .option('--evidence', 'print all that a verdict is made from, as JSON')
    .action(async (options: { evidence?: true }) => {
      const { soak } = await import('./soak.ts')
      exit(await soak(await context(), options))
    })
  program
    .command('expect-reboot')
    .description('say that the next reboot, within a day, is wanted')
    .requiredOption('--reason <text>', 'why', text(500))
    .action(async ({ reason }: { reason: string }) => {
      const { expectReboot } = await import('./soak.ts')
      exit(await expectReboot(await context(), reason))
    })
  program
    .command('history <check>')
    .description('results of a check, by default of the last day')
    .option('--from <time>', 'first moment, RFC 3339')
    .option('--to <time>', 'first moment that does not count any more, RFC 3339')
    .option('--hours', 'hours in place of samples, by default of the last two weeks')
    .action(async (check: string, options: HistoryOptions) => {
      const { history } = await import('./soak.ts')
      exit(await history(await context(), check, options))
    })
  program.command('history-job', { hidden: true }).action(async () => {
    const { historyJob } = await import('./history-job.ts')
    await historyJob(terminal)
  })
  addBaselines(shell)
  addIncidents(shell)
}

function addBaselines({ program, context, exit }: Shell): void {
  const baseline = program.command('baseline').description('the host before activations')
  baseline
    .command('list', { isDefault: true })
    .description('baselines that are kept, newest first')
    .action(async () => {
      const { baselines } = await import('./soak.ts')
      exit(await baselines(await context()))
    })
  baseline
    .command('take')
    .description('take one now')
    .action(async () => {
      const { takeBaseline } = await import('./soak.ts')
      exit(await takeBaseline(await context()))
    })
}

function addIncidents({ program, context, exit }: Shell): void {
  program
    .command('incidents')
    .description('issues log of the running generation')
    .action(async () => {
      const { incidents } = await import('./soak.ts')
      exit(await incidents(await context()))
    })
  const incident = program.command('incident').description('keep the issues log')
  incident
    .command('open <description>')
    .description('open an incident')
    .addOption(new Option('--severity <severity>', 'how bad it is').choices(severities).makeOptionMandatory())
    .option('--workaround <text>', 'how to live with it', text(2000))
    .action(async (description: string, options: Omit<IncidentRequest, 'description'>) => {
      const { openIncident } = await import('./soak.ts')
      exit(await openIncident(await context(), { ...options, description }))
    })
  incident
    .command('resolve <id>')
    .description('say that it is over')
    .action(async (id: string) => {
      const { changeIncident } = await import('./soak.ts')
      exit(await changeIncident(await context(), id, { status: 'resolved' }))
    })
  incident
    .command('workaround <id> <text>')
    .description('say how to live with it')
    .action(async (id: string, workaround: string) => {
      const { changeIncident } = await import('./soak.ts')
      exit(await changeIncident(await context(), id, { workaround }))
    })
}
