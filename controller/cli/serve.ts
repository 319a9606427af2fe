import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { ApiRole } from '../../shared/server/role.ts'
import { controllerRoles } from '../server/caller.ts'
import { parseLifetime } from './options.ts'
import { server, state } from './rollout.ts'
import type { ServerOptions } from './server.ts'
import type { GlobalOptions } from './wiring.ts'

/** Options of `belay serve`. */
export interface ServeCommandOptions extends GlobalOptions {
  readonly config?: string
  readonly state: string
}

/** Options of `belay token`. */
export interface TokenOptions extends GlobalOptions {
  readonly state: string
}

/** Options of `belay token add`. */
export interface TokenAddOptions extends TokenOptions {
  readonly role: ApiRole
  /** Seconds. */
  readonly expires?: number
}

/** What the commands of the daemon do. */
export interface ServeActions {
  serve(options: ServeCommandOptions): Promise<void>
  tokenAdd(name: string, options: TokenAddOptions): Promise<void>
  tokenList(options: TokenOptions): Promise<void>
  tokenRevoke(name: string, options: TokenOptions): Promise<void>
  audit(options: GlobalOptions & ServerOptions): Promise<void>
}

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

/** `belay serve`, `belay token` and `belay audit`. */
export function addServe(program: Command, actions: ServeActions): void {
  program
    .command('serve')
    .description('drive rollouts, watch the hosts and answer over the API, until told to stop')
    .addOption(new Option('--config <file>', 'configuration file, JSON').env('BELAY_CONTROLLER_CONFIG'))
    .addOption(state())
    .addHelpText('after', examples('belay serve', 'belay serve --config /etc/belay/controller.json'))
    .action((_, command: Command) => actions.serve(command.optsWithGlobals()))
  const token = program.command('token').description('tokens for callers of belay serve on other machines')
  token
    .command('add <name>')
    .description('make a token, and print it: it cannot be shown again')
    .addOption(new Option('--role <role>', 'what it may do').choices(controllerRoles).makeOptionMandatory())
    .addOption(
      new Option('--expires <time>', 'how long it is good, such as 24h or 30d; default for ever').argParser(
        parseLifetime
      )
    )
    .addOption(state())
    .addHelpText('after', examples('belay token add prometheus --role observe --expires 30d'))
    .action((name: string, _, command: Command) =>
      actions.tokenAdd(parseName(name), command.optsWithGlobals())
    )
  token
    .command('list')
    .description('show the tokens, without what makes them work')
    .addOption(state())
    .action((_, command: Command) => actions.tokenList(command.optsWithGlobals()))
  token
    .command('revoke <name>')
    .description('end a token; the daemon refuses it from the next request on')
    .addOption(state())
    .action((name: string, _, command: Command) => actions.tokenRevoke(name, command.optsWithGlobals()))
  program
    .command('audit')
    .description('show who decided what, by which way and why; newest first')
    .addOption(state())
    .addOption(server())
    .action((_, command: Command) => actions.audit(command.optsWithGlobals()))
}

/** A FleetLock client's token has the name of its host. */
function parseName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) return name
  throw new InvalidArgumentError('Wanted letters, digits, dots and dashes.')
}
