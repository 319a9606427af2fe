import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { activationModes } from '../../shared/api/schemas.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import { VERSION } from '../../shared/version.ts'
import type { Settings } from '../config/settings.ts'
import { DEFAULT_CONFIG, loadSettings, parseSettings } from '../config/settings.ts'
import { operationDirectory } from '../operation/store.ts'
import { UNREADABLE } from '../platform/agent-command.ts'
import type { Terminal } from './commands.ts'
import * as commands from './commands.ts'
import { addDesired } from './desired.ts'
import { addDrill } from './drill.ts'
import type { GcOptions } from './gc.ts'
import { addPreflight } from './preflight.ts'
import type { PreviewOptions } from './preview.ts'
import { ofProfile, withHome } from './profile.ts'
import type { RescueOptions } from './rescue.ts'
import { addSoak } from './soak-commands.ts'

interface Global {
  readonly config?: string
  readonly json?: true
}

export const wholeNumber = (text: string): number => {
  if (/^\d+$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('wanted a whole number above 0')
}

const operationId = (text: string): string => {
  try {
    operationDirectory('', text)
    return text
  } catch {
    throw new InvalidArgumentError('wanted the identity of an operation')
  }
}

/** What no check of a chain alone can find. */
const AUDIT_LIMITS = `
A chain is anchored nowhere but in itself. What this cannot find, and root can do: write a whole journal anew; remove the
directory of an operation (one that activated is missed while systemd's journal remembers it); cut the newest journal
behind a whole record (it shows as "unfinished", as an operation does whose agent is stopped). Against that, keep the
output of --json elsewhere: once an operation has ended, its number of records and the hash of the last ("head") stay.`

/** What the commands share: where they hang, what they get, and how their exit code leaves. */
export interface Shell {
  readonly program: Command
  readonly terminal: Terminal
  readonly file: () => string | null
  readonly context: () => Promise<commands.Context>
  /** For what must work with everything else broken, the configuration too. */
  readonly emergencyContext: () => Promise<commands.Context>
  readonly exit: (code: number) => void
}

/** The command line of `belay-agent`. Resolves to the exit code: 0 done, 1 not done, 2 usage. */
export async function runAgentCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0
  const program = new Command('belay-agent')
    .description('Activates NixOS generations so that no activation can strand this host')
    .version(VERSION)
    .addOption(
      new Option('--config <file>', `configuration file (default: ${DEFAULT_CONFIG}, may be missing)`).env(
        'BELAY_CONFIG'
      )
    )
    .option('--json', 'print JSON')
    .exitOverride()
    .configureOutput({
      ...{ writeOut: terminal.out, writeErr: terminal.err },
      // Before the command line is understood, this is all that is known of it.
      ...(argv.includes('--json') ? { outputError: (text) => printUsage(text, terminal) } : {})
    })
  const file = () => program.opts<Global>().config ?? null
  const json = () => program.opts<Global>().json === true
  const contextOf = (settings: Settings) => ({ settings, config: file(), json: json(), terminal })
  const context = async () => contextOf(await loadSettings(file()))
  const emergencyContext = async () =>
    context().catch((error: unknown) => {
      terminal.err(`${describeError(error)}\nGoing on with the default configuration.\n`)
      // What nobody can read may have asked for approvals: nothing new is activated, and the way back is free.
      return contextOf(parseSettings('{"approval": {"required": "always"}}', 'defaults'))
    })
  const exit = (with_: number) => {
    code = with_
  }
  const shell: Shell = { program, terminal, file, context, emergencyContext, exit }
  addReading(shell)
  addPreview(shell)
  addChanging(shell)
  addApproving(shell)
  addPreflight(shell)
  addDrill(shell)
  addDesired(shell)
  addRescue(shell)
  addSoak(shell)
  addInternal(shell)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    commands.printError(error, json(), terminal)
    return codeOf(error) === 'invalid-config' ? 2 : 1
  }
}

function printUsage(text: string, terminal: Terminal): void {
  const message = text.replace(/^error: /, '').trim()
  commands.printError(new BelayError('invalid-request', message), true, terminal)
}

function addReading({ program, terminal, file, context, exit }: Shell): void {
  const add = (name: string, description: string) => program.command(name).description(description)
  add('status', 'what runs, what boots next, the newest operation').action(async () => {
    exit(await commands.status(await context()))
  })
  add('generations', 'generations of a profile')
    .addOption(ofProfile())
    .action(async (options: commands.OfProfile) => {
      exit(await commands.generations(await context(), options))
    })
  add(
    'log [id]',
    'journal and output of an operation, the newest by default, live until it has ended'
  ).action(async (id?: string) => {
    exit(await commands.log(await context(), id))
  })
  add('checks', 'every check and what it found last').action(async () => {
    exit(await (await import('./checks.ts')).checks(await context()))
  })
  add('check', 'one check')
    .command('run <name>')
    .description('run a check now; exit code 0 when it passes or warns')
    .action(async (name: string) => {
      exit(await (await import('./checks.ts')).runCheck(await context(), name))
    })
  add('config', 'the configuration')
    .command('check [file]')
    .description('validate a configuration file')
    .action(async (path?: string) => {
      exit(await commands.configCheck(path ?? file(), terminal))
    })
}

function addPreview({ program, context, exit }: Shell): void {
  program
    .command('preview <store-path>')
    .description('what an activation would change: packages, services, files, reboot; changes nothing')
    .option('--diff', 'with unified diffs of the files below /etc, secrets redacted')
    .option('--dry-activate', "also run the generation's own dry-activate: code of the candidate, as root")
    .option('--markdown', 'for a pull request')
    .option('--all', 'all rows, not only the first of each section')
    .addOption(ofProfile())
    .action(async (storePath: string, options: PreviewOptions) => {
      const { preview } = await import('./preview.ts')
      exit(await preview(await context(), storePath, options))
    })
}

function addRescue({ program, context, emergencyContext, exit }: Shell): void {
  program
    .command('rescue')
    .description('the way back in plain commands, made for this host at this moment; needs no agent')
    .option('--run', 'go it: carry the commands out, one by one')
    .option('--script', 'print it as a shell script, to be run where there is no Node')
    .option('--generation <number>', 'the way to this generation', wholeNumber)
    .action(async (options: RescueOptions) => {
      const { rescue } = await import('./rescue.ts')
      exit(await rescue(await emergencyContext(), options))
    })
  program
    .command('gc')
    .description('delete generations by the rule of the configuration; needs root, and no agent')
    .option('--dry-run', 'only say what would go, and why the others stay')
    .action(async (options: GcOptions) => {
      const { gc } = await import('./gc.ts')
      exit(await gc(await context(), options))
    })
  program
    .command('audit')
    .description('the journals of the operations')
    .command('verify')
    .argument('[id]', 'operation; all by default', operationId)
    .description('whether a record was changed, removed or moved; reads the files, needs no agent')
    .addHelpText('after', AUDIT_LIMITS)
    .action(async (id?: string) => {
      const { auditVerify } = await import('./audit.ts')
      exit(await auditVerify(await emergencyContext(), id))
    })
}

function addChanging({ program, context, emergencyContext, exit }: Shell): void {
  const add = (name: string, description: string) => program.command(name).description(description)
  add('activate <store-path>', 'activate a generation: prove, then commit')
    .addOption(ofProfile())
    .addOption(withHome())
    .option('--window <seconds>', 'confirm window', wholeNumber)
    .addOption(
      new Option(
        '--mode <mode>',
        'switch at once; boot on trial, at the next boot; or auto: boot where only a reboot brings a part of it'
      ).choices(activationModes)
    )
    .option('--auto-confirm', 'local verification is enough: nobody has to confirm')
    .option('--revision <number>', 'revision of the desired state that this belongs to', wholeNumber)
    .option('--reason <text>', 'why, for the journal')
    .option('--again', 'also a generation that is marked bad')
    .option('--over-drift', 'also over a system or profile that somebody else has put there')
    .option('--outside-window', 'even where no maintenance window is open; it is written down')
    .option('--no-follow', 'return as soon as the operation is accepted')
    .addHelpText(
      'after',
      '\nConfirm from a new session, which proves that you still get in:\n  belay-agent confirm'
    )
    .action(async (storePath: string, options: commands.ActivateOptions) => {
      exit(await commands.activate(await context(), storePath, options))
    })
  add('confirm [id]', 'confirm the operation that waits for it').action(async (id?: string) => {
    exit(await commands.confirm(await context(), id))
  })
  add('reboot [id]', 'boot the generation that is staged, on trial').action(async (id?: string) => {
    exit(await commands.reboot(await context(), id))
  })
  add('rollback', 'go back to the last known good generation; works with the daemon dead')
    .addOption(ofProfile())
    .option('--generation <number>', 'go to this generation', wholeNumber)
    .option('--reason <text>', 'why, for the journal')
    .action(async (options: commands.RollbackOptions) => {
      exit(await commands.rollback(await emergencyContext(), options))
    })
}

function addApproving({ program, context, exit }: Shell): void {
  const approvals = program
    .command('approvals')
    .description('approvals of this host, used ones too')
    .action(async () => exit(await (await import('./approvals.ts')).approvals(await context())))
  approvals
    .command('revoke <id>')
    .description('take an approval back that is not used yet')
    .requiredOption('--reason <text>', 'why')
    .action(async (id: string, { reason }: { reason: string }) =>
      exit(await (await import('./approvals.ts')).revoke(await context(), id, reason))
    )
  program
    .command('approve <file>')
    .description('hand in an approval that was signed elsewhere (`belay approve --out`); - is standard input')
    .action(async (file: string) =>
      exit(await (await import('./approvals.ts')).approve(await context(), file))
    )
}

/** What the service manager calls, not a person. */
function addInternal({ program, context, emergencyContext, exit }: Shell): void {
  program.command('serve', { hidden: true }).action(async () => {
    const { settings, config } = await context()
    await (await import('../serve.ts')).serve(settings, config)
  })
  program.command('run-operation <id>', { hidden: true }).action(async (id: string) => {
    // A generation may bring a configuration that cannot be read: the way back does not hang on it.
    const { settings, json, terminal } = await emergencyContext()
    const { runOne } = await import('../run-operation.ts')
    await runOne(id, settings).catch((error: unknown) => {
      if (codeOf(error) !== 'journal-corrupt') throw error
      commands.printError(error, json, terminal)
      exit(UNREADABLE)
    })
  })
}
