import { Argument, Command, Option } from 'commander'
import { activationModes } from '../../shared/api/schemas.ts'
import { fleetSchemaText } from '../inventory/schema-file.ts'
import type { ApproveOptions } from './commands/approvals.ts'
import type { BuildOptions } from './commands/build.ts'
import type { Shell } from './commands/completion.ts'
import { completion, shells } from './commands/completion.ts'
import type { DeployOptions } from './commands/deploy.ts'
import type { HoldOptions } from './commands/hold.ts'
import type { PlanOptions } from './commands/plan.ts'
import type { PushOptions } from './commands/push.ts'
import type { StatusOptions } from './commands/status.ts'
import type { NameKind } from './completion/known.ts'
import { NAMES, nameKinds } from './completion/known.ts'
import type { DoctorActions } from './doctor.ts'
import { addDoctor } from './doctor.ts'
import { collect, collectPath, parseCount, parseLifetime, parseRevision, parseWindow } from './options.ts'
import type { PipelineActions } from './pipeline-program.ts'
import { addPipeline } from './pipeline-program.ts'
import type { PkiActions } from './pki.ts'
import { addPki } from './pki.ts'
import type { RolloutActions } from './rollout.ts'
import { addInventory, addRollout } from './rollout.ts'
import type { ServeActions } from './serve.ts'
import { addServe } from './serve.ts'
import type { VerdictActions } from './verdict-program.ts'
import { addVerdictCommands } from './verdict-program.ts'
import type { GlobalOptions } from './wiring.ts'

/** What each command does with its options. */
export interface Actions
  extends VerdictActions,
    RolloutActions,
    ServeActions,
    DoctorActions,
    PipelineActions,
    PkiActions {
  build(options: BuildOptions): Promise<void>
  push(options: PushOptions): Promise<void>
  plan(options: PlanOptions): Promise<void>
  deploy(options: DeployOptions): Promise<void>
  status(options: StatusOptions): Promise<void>
  approve(host: string, options: ApproveOptions): Promise<void>
  approvals(host: string, options: GlobalOptions): Promise<void>
  revoke(host: string, id: string, options: GlobalOptions & { readonly reason: string }): Promise<void>
  /** Prints names of the fleet file, one a line, for completion. */
  names(kind: NameKind, options: GlobalOptions): Promise<void>
  hold(host: string, options: HoldOptions): Promise<void>
  release(host: string, options: HoldOptions): Promise<void>
  /** Prints text as it is. */
  print(text: string): void
}

const host = () => new Option('--host <name>', 'only this host; may stand several times').argParser(collect)
const home = () =>
  new Option('--home <user>', 'only the homes of this user; may stand several times').argParser(collect)
const noHomes = () => new Option('--no-homes', 'systems alone, without the homes that move with them')
const path = () =>
  new Option('--path <host=path>', 'use this store path, do not build; of a home USER@HOST=PATH').argParser(
    collectPath
  )
const parallel = (count: number) =>
  new Option('--max-parallel <n>', 'hosts at the same time').argParser(parseCount).default(count)

/** The command line of `belay`. */
export function buildProgram(actions: Actions, version: string): Command {
  const program = new Command('belay')
    .description('Activates Nix generations so that no activation can strand a host')
    .version(version)
    .addOption(new Option('-f, --fleet <file>', 'fleet file').env('BELAY_FLEET').default('fleet.yaml'))
    .option('--json', 'print JSON for programs')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .exitOverride()
  addCommands(program, actions)
  addPlan(program, actions)
  addHold(program, actions)
  addApproving(program, actions)
  addVerdictCommands(program, actions)
  addInventory(program, actions)
  addRollout(program, actions)
  addServe(program, actions)
  addDoctor(program, actions)
  addPipeline(program, actions)
  addPki(program, actions)
  addTools(program, actions)
  program.addHelpText('after', exitHelp)
  return program
}

function addCommands(program: Command, actions: Actions): void {
  program
    .command('build')
    .description('build the systems and homes of the fleet')
    .addOption(host())
    .addOption(home())
    .addOption(parallel(4))
    .addHelpText('after', examples('belay build', 'belay build --host cinnabar --json'))
    .action((_, command: Command) => actions.build(command.optsWithGlobals()))
  program
    .command('push')
    .description('build, and copy the closures to the hosts; activates nothing')
    .addOption(host())
    .addOption(home())
    .addOption(noHomes())
    .addOption(parallel(8))
    .option('--no-build', 'build nothing; every host needs a --path')
    .addOption(path())
    .addHelpText('after', examples('belay push --host cinnabar'))
    .action((_, command: Command) => actions.push(command.optsWithGlobals()))
  program
    .command('deploy')
    .description('build, push, activate and confirm; a host that cannot be confirmed comes back by itself')
    .addOption(host())
    .addOption(home())
    .addOption(noHomes())
    .addOption(parallel(8))
    .option('--window <time>', 'how long a host waits for our confirmation, such as 90s or 5m', parseWindow)
    .addOption(
      new Option('--wait <time>', 'how long to follow a host at most; it goes on by itself')
        .argParser(parseLifetime)
        .default(21_600, '6h')
    )
    .option('--reason <text>', "why, for the hosts' journals")
    .addOption(
      new Option(
        '--mode <mode>',
        'switch at once; boot on trial, at the next boot; or auto: boot where only a reboot brings a part of it'
      ).choices(activationModes)
    )
    .option('--reboot', 'reboot at once into what is staged, and follow the trial boot')
    .option('--again', 'also generations that a host has marked bad')
    .option('--over-drift', 'also over what somebody else has switched to or put into the profile of a host')
    .option(
      '--outside-window',
      'even where no maintenance window of a host is open; needs --reason, for its journal'
    )
    .option('--revision <n>', 'under this revision, where hosts want approvals that have one', parseRevision)
    .option('--no-build', 'build nothing; every host needs a --path')
    .option('--no-push', 'copy nothing; the hosts have or fetch the closures themselves')
    .addOption(path())
    .addHelpText('after', deployExamples)
    .action((_, command: Command) => actions.deploy(command.optsWithGlobals()))
  program
    .command('status')
    .description('show the fleet: what runs, what drifted, what was done last')
    .addOption(host())
    .addOption(parallel(16))
    .addHelpText('after', examples('belay status', 'belay status --json'))
    .action((_, command: Command) => actions.status(command.optsWithGlobals()))
}

function addPlan(program: Command, actions: Actions): void {
  program
    .command('plan')
    .description('build, push, and show what an activation would change; activates nothing')
    .addOption(host())
    .addOption(home())
    .addOption(noHomes())
    .addOption(parallel(8))
    .option('--no-build', 'build nothing; every host needs a --path')
    .option('--no-push', 'copy nothing; the hosts have the closures')
    .addOption(path())
    .option('--diff', 'with unified diffs of the files below /etc, secrets redacted')
    .option('--dry-activate', "also run each generation's own dry-activate: code of the candidate, as root")
    .option('--markdown', 'for a pull request')
    .option('--all', 'all rows, not only the first of each section')
    .addHelpText('after', examples('belay plan --host cinnabar', 'belay plan --markdown > plan.md'))
    .action((_, command: Command) => actions.plan(command.optsWithGlobals()))
}

function addHold(program: Command, actions: Actions): void {
  const reason = 'why, for whoever is kept back and for whoever releases'
  program
    .command('hold <host>')
    .description('have a host refuse activations until the release; a rollback stays possible')
    .requiredOption('--reason <text>', reason)
    .addHelpText('after', examples("belay hold galena --reason 'its owner travels'"))
    .action((name: string, _, command: Command) => actions.hold(name, command.optsWithGlobals()))
  program
    .command('release <host>')
    .description('let a host take activations again')
    .requiredOption('--reason <text>', reason)
    .addHelpText('after', examples("belay release galena --reason 'she is back'"))
    .action((name: string, _, command: Command) => actions.release(name, command.optsWithGlobals()))
}

function addApproving(program: Command, actions: Actions): void {
  program
    .command('approve <host>')
    .description('sign, with your ssh key, that a host may activate what its plan says')
    .requiredOption('--plan <hash>', 'the plan that you have read: its hash, or a file with it as JSON')
    .requiredOption('--path <store-path>', 'what is to be activated')
    .option('--home <user>', 'the home of this user, not the system')
    .addOption(
      new Option('--mode <mode>', 'how it may come to run').choices(activationModes).default('switch')
    )
    .option('--auto-confirm', 'local verification may commit it, without a new connection')
    .option('--revision <n>', 'only as this revision of the desired state', parseRevision)
    .addOption(
      new Option('--expires <time>', 'how long it is good, such as 30m or 7d')
        .argParser(parseLifetime)
        .default(86_400, '24h')
    )
    .option('--key <file>', 'sign with this key (default: the first of the ssh-agent, or of ~/.ssh)')
    .option('--out <file>', 'write the approval there and hand nothing in; see belay-agent approve')
    .addHelpText(
      'after',
      examples('belay approve cinnabar --plan 1f0c… --path /nix/store/…-nixos-system-cinnabar')
    )
    .action((name: string, _, command: Command) => actions.approve(name, command.optsWithGlobals()))
  const approvals = program
    .command('approvals <host>')
    .description('show the approvals of a host, used ones too')
    .addHelpText('after', examples('belay approvals cinnabar'))
    .action((name: string, _, command: Command) => actions.approvals(name, command.optsWithGlobals()))
  approvals
    .command('revoke <host> <id>')
    .description('take an approval back that is not used yet')
    .requiredOption('--reason <text>', 'why')
    .action((name: string, id: string, _, command: Command) =>
      actions.revoke(name, id, command.optsWithGlobals())
    )
}

function addTools(program: Command, actions: Actions): void {
  program
    .command('schema')
    .description('print the JSON Schema of the fleet file')
    .addHelpText('after', examples('belay schema > fleet.schema.json'))
    .action(() => actions.print(fleetSchemaText()))
  program
    .command('completion')
    .description('print a completion script')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText('after', examples('source <(belay completion bash)'))
    .action((shell: Shell) => actions.print(completion(program, shell)))
  program
    .command(NAMES, { hidden: true })
    .addArgument(new Argument('<kind>', 'what').choices(nameKinds))
    .action((kind: NameKind, _, command: Command) => actions.names(kind, command.optsWithGlobals()))
}

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

const deployExamples = examples(
  'belay deploy',
  "belay deploy --host cinnabar --window 5m --reason 'openssh update'",
  'belay deploy --host cinnabar --home alice',
  'belay deploy --no-build --path cinnabar=/nix/store/…-nixos-system-cinnabar'
)

const exitHelp = `${examples('belay build', 'belay deploy --host cinnabar', 'belay status')}
Exit codes:
  0    every host is as asked
  1    at least one host is not, or something failed
  2    the command line or the fleet file is wrong; nothing was done
  3, 4 of a verdict only: CONDITIONAL GO, INSUFFICIENT EVIDENCE
  5    a rollout has not ended: it waits for time, for hosts or for a person
  130  interrupted; hosts with an operation go on by themselves
`
