import type { Command } from 'commander'
import { Argument, InvalidArgumentError, Option } from 'commander'
import type { DigestOptions } from './commands/digest.ts'
import type { Signed, SoakOptions, VerdictOptions, Word } from './commands/verdict.ts'
import { collect, parseCount } from './options.ts'
import { server, state } from './rollout.ts'

/** What the commands about verdicts do. */
export interface VerdictActions {
  verdict(host: string, options: VerdictOptions): Promise<void>
  say(host: string, word: Word, options: Signed): Promise<void>
  soak(options: SoakOptions): Promise<void>
  digest(options: DigestOptions): Promise<void>
}

const decisions = () =>
  new Option(
    '--decisions <file>',
    'what people said about soaks; default soak-decisions.jsonl beside the fleet file'
  ).env('BELAY_DECISIONS')
const evidence = () => new Option('--evidence <file>', 'judge evidence from this file, ask no host')

/** Adds `soak`, `verdict` and `digest`. */
export function addVerdictCommands(program: Command, actions: VerdictActions): void {
  const fleetWide = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .addOption(new Option('--host <name>', 'only this host; may stand several times').argParser(collect))
      .addOption(new Option('--max-parallel <n>', 'hosts at the same time').argParser(parseCount).default(16))
      .addOption(decisions())
      .addOption(state())
      .addOption(server())
  fleetWide(
    'soak',
    'show the soaks of the fleet: day, verdict so far, what became worse since yesterday'
  ).action((_, command: Command) => actions.soak(command.optsWithGlobals()))
  fleetWide('digest', 'print the same as Markdown, for a mail or a chat')
    .option('--weekly', 'of the week, with every comparison of every host')
    .option('--deliver', 'also bring it to whom notify in the fleet file names')
    .action((_, command: Command) => actions.digest(command.optsWithGlobals()))
  const verdict = program
    .command('verdict')
    .description('judge the soak of one host')
    .argument('<host>', 'the host')
    .addOption(decisions())
    .addOption(evidence())
    .addOption(state())
    .addOption(server())
    .option('--markdown', 'print Markdown')
    .option('--html <file>', 'write one self-contained page with charts as well')
    .addHelpText('after', help)
    .action((host: string, _, command: Command) => actions.verdict(host, command.optsWithGlobals()))
  addWords(verdict, actions)
}

function addWords(verdict: Command, actions: VerdictActions): void {
  const signed = (name: string, description: string) =>
    verdict
      .command(name)
      .description(description)
      .argument('<host>', 'the host')
      .addOption(decisions())
      .addOption(evidence())
      .option('--by <name>', 'the person who says so; default the name you are logged in with')
      .requiredOption('--reason <text>', 'why; it is kept')
  signed('waive', 'give up one criterion of the running soak, in writing')
    .argument('<criterion>', 'its name, as the verdict shows it')
    .addOption(new Option('--expires <time>', 'until when, such as 2026-12-01').argParser(parseTime))
    .action((host: string, criterion: string, _, command: Command) =>
      actions.say(host, { type: 'waive', criterion }, command.optsWithGlobals())
    )
  signed('extend', 'add days to the running soak; there is no taking away')
    .argument('<days>', 'days to add', parseDays)
    .action((host: string, days: number, _, command: Command) =>
      actions.say(host, { type: 'extend', days }, command.optsWithGlobals())
    )
  signed('decide', 'record the decision of a person')
    .addArgument(new Argument('<decision>', 'what was decided').choices(['go', 'no-go']))
    .action((host: string, decision: 'go' | 'no-go', _, command: Command) =>
      actions.say(host, { type: 'decide', decision }, command.optsWithGlobals())
    )
}

function parseDays(text: string): number {
  if (/^[1-9][0-9]{0,2}$/.test(text) && Number(text) <= 365) return Number(text)
  throw new InvalidArgumentError('Wanted a whole number of days from 1 to 365.')
}

/** A day or a moment, as RFC 3339 in UTC. */
function parseTime(text: string): string {
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  throw new InvalidArgumentError('Wanted a day such as 2026-12-01, or a moment such as 2026-12-01T08:00Z.')
}

const help = `
Examples:
  $ belay verdict cinnabar
  $ belay verdict cinnabar --html cinnabar.html
  $ belay verdict waive cinnabar unexpected-reboots --reason 'power cut in the rack'
  $ belay verdict decide cinnabar go --reason 'two quiet weeks'

Exit codes:
  0    GO
  1    NO-GO
  2    the command line or the fleet file is wrong; nothing was done
  3    CONDITIONAL GO
  4    INSUFFICIENT EVIDENCE, or there was no evidence to be had
`
