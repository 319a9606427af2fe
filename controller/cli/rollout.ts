import type { Command } from 'commander'
import { Option } from 'commander'
import type { Word } from '../rollout/words.ts'
import { stateDirectory } from '../store/open.ts'
import type { InventoryOptions } from './commands/inventory.ts'
import type { ApproveStageOptions } from './commands/rollout-approve.ts'
import type { PlanOptions } from './commands/rollout-plan.ts'
import type { RollbackOptions } from './commands/rollout-rollback.ts'
import type { SayOptions } from './commands/rollout-say.ts'
import type { DriveOptions, StartOptions } from './commands/rollout-start.ts'
import type { RolloutStatusOptions } from './commands/rollout-status.ts'
import { collect, collectPath, parseLifetime, parsePatience } from './options.ts'

/** What the commands here do with their options. */
export interface RolloutActions {
  inventory(options: InventoryOptions): Promise<void>
  rolloutPlan(options: PlanOptions): Promise<void>
  rolloutStart(options: StartOptions): Promise<void>
  rolloutDrive(options: DriveOptions): Promise<void>
  rolloutRollback(options: RollbackOptions): Promise<void>
  rolloutApprove(stage: string, options: ApproveStageOptions): Promise<void>
  rolloutStatus(options: RolloutStatusOptions): Promise<void>
  rolloutSay(word: Word, target: string | undefined, options: SayOptions): Promise<void>
}

/** Where the controller keeps its state. */
export const state = () =>
  new Option('--state <directory>', 'where the controller keeps its state')
    .env('BELAY_STATE')
    .default(stateDirectory(process.env), '$XDG_STATE_HOME/belay')
/** Where the daemon is. */
export const server = () =>
  new Option(
    '--server <directory-or-url>',
    'where belay serve has its sockets, or https://…; default is client.json, then sockets in the state'
  ).env('BELAY_SERVER')
const rollout = () => new Option('--rollout <id>', 'this one; default is the one under way')
const reason = () => new Option('--reason <text>', 'why, for the records')
const patience = () =>
  new Option('--wait <time>', 'how long to stay while only time or hosts can change anything')
    .argParser(parsePatience)
    .default(60, '1m')
const poll = () =>
  new Option('--poll <time>', 'time between two looks at a host').argParser(parsePatience).default(30, '30s')

/** `belay inventory`. */
export function addInventory(program: Command, actions: RolloutActions): void {
  program
    .command('inventory')
    .description('show every host, what is known of it, and who says so')
    .addOption(new Option('--host <name>', 'only this host; may stand several times').argParser(collect))
    .action((_, command: Command) => actions.inventory(command.optsWithGlobals()))
}

/** `belay rollout` with its commands. */
export function addRollout(program: Command, actions: RolloutActions): void {
  const group = program.command('rollout').description('bring new generations to the fleet in stages')
  const planned = (command: Command) =>
    command
      .addOption(new Option('--host <name>', 'only this host; may stand several times').argParser(collect))
      .addOption(new Option('--path <host=path>', 'use this store path, do not build').argParser(collectPath))
      .addOption(new Option('--no-homes', 'systems alone, without the homes that move with them'))
      .option('--no-build', 'build nothing; every host needs a --path')
      .option('--no-push', 'copy nothing; the hosts have or fetch the closures themselves')
      .option('--no-preview', 'ask no host for its plan, and pin none')
      .addOption(state())
      .addOption(server())
  planned(group.command('plan'))
    .description(
      'build, copy, ask each host for its plan, and print the whole with its reasons; activates nothing'
    )
    .action((_, command: Command) => actions.rolloutPlan(command.optsWithGlobals()))
  planned(group.command('start'))
    .description('plan and drive a rollout; the same again goes on with it')
    .option('--plan <file>', 'use this plan, as `belay rollout plan --json` printed it')
    .option('--supersede', 'end the rollout under way in favour of this one')
    .addOption(reason())
    .addOption(patience())
    .addOption(poll())
    .action((_, command: Command) => actions.rolloutStart(command.optsWithGlobals()))
  group
    .command('drive')
    .description('go on with the rollout under way')
    .option('--no-push', 'copy nothing; the hosts have or fetch the closures themselves')
    .addOption(state())
    .addOption(server())
    .addOption(patience())
    .addOption(poll())
    .action((_, command: Command) => actions.rolloutDrive(command.optsWithGlobals()))
  group
    .command('status')
    .description('show where a rollout is, and why each host does not move')
    .option('--watch', 'go on showing it until it ends')
    .addOption(rollout())
    .addOption(state())
    .addOption(server())
    .action((_, command: Command) => actions.rolloutStatus(command.optsWithGlobals()))
  group
    .command('rollback')
    .description('bring the hosts that a rollout has moved back to what they ran before, in reverse order')
    .addOption(new Option('--host <name>', 'only this host; may stand several times').argParser(collect))
    .addOption(new Option('--rollout <id>', 'the rollout to take back: the newest, which is the default'))
    .requiredOption('--reason <text>', 'why, for the records')
    .addOption(state())
    .addOption(server())
    .addOption(patience())
    .addOption(poll())
    .action((_, command: Command) => actions.rolloutRollback(command.optsWithGlobals()))
  addWords(group, actions)
  addApprove(group, actions)
}

function addApprove(group: Command, actions: RolloutActions): void {
  group
    .command('approve <stage>')
    .description('let a stage begin')
    .option('--sign', 'sign for each of its hosts, with your ssh key, what its plan says, and hand it in')
    .addOption(
      new Option('--host <name>', 'sign for this host alone; may stand several times').argParser(collect)
    )
    .option('--key <file>', 'sign with this key (default: the first of the ssh-agent, or of ~/.ssh)')
    .addOption(
      new Option('--expires <time>', 'how long what is signed is good')
        .argParser(parseLifetime)
        .default(86_400, '24h')
    )
    .addOption(rollout())
    .addOption(reason())
    .addOption(state())
    .addOption(server())
    .action((stage: string, _, command: Command) => actions.rolloutApprove(stage, command.optsWithGlobals()))
}

const words: readonly [Word, string, string][] = [
  ['pause', '', 'begin nothing new; what is under way ends'],
  ['resume', '', 'go on after a pause'],
  ['skip', '<host>', 'leave a host out, and let others pass it'],
  ['retry', '[host]', 'try again on a host that regressed or was left out; default every one that regressed'],
  ['abort', '', 'end the rollout; hosts keep what they have']
]

function addWords(group: Command, actions: RolloutActions): void {
  for (const [word, argument, about] of words) {
    const command = group
      .command(`${word} ${argument}`.trim())
      .description(about)
      .addOption(rollout())
      .addOption(reason())
      .addOption(state())
      .addOption(server())
    if (argument === '') {
      command.action((_, self: Command) => actions.rolloutSay(word, undefined, self.optsWithGlobals()))
    } else {
      command.action((target: string | undefined, _, self: Command) =>
        actions.rolloutSay(word, target, self.optsWithGlobals())
      )
    }
  }
}
