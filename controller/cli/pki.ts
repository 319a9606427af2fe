import { isIP } from 'node:net'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { certificateRoles } from '../../shared/x509/identity.ts'
import type { RevocationReason } from '../pki/reasons.ts'
import { revocationReasons } from '../pki/reasons.ts'
import { stateDirectory } from '../store/open.ts'
import type { IssueOptions, PkiOptions } from './commands/pki.ts'
import type { EnrollOptions } from './commands/pki-enroll.ts'
import { collect, parseCount } from './options.ts'

/** Options of `belay pki init`. */
export interface InitOptions extends PkiOptions {
  readonly name: string
  readonly years: number
}

/** Options of `belay pki renew`. */
export interface RenewOptions extends PkiOptions {
  readonly hosts?: true
}

/** What `belay pki` does. */
export interface PkiActions {
  pkiInit(options: InitOptions): Promise<void>
  pkiIssue(name: string, options: IssueOptions): Promise<void>
  pkiEnroll(hosts: readonly string[], options: EnrollOptions): Promise<void>
  pkiRenew(names: readonly string[], options: RenewOptions): Promise<void>
  pkiRevoke(target: string, options: PkiOptions & { readonly reason: RevocationReason }): Promise<void>
  pkiStatus(options: PkiOptions): Promise<void>
}

const pki = () =>
  new Option('--pki <directory>', 'where the authority is')
    .env('BELAY_PKI')
    .default(`${stateDirectory(process.env)}/pki`, '$XDG_STATE_HOME/belay/pki')
const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
const reasons = Object.keys(revocationReasons) as RevocationReason[]

/** `belay pki`. */
export function addPki(program: Command, actions: PkiActions): void {
  const group = program.command('pki').description('certificates for callers, hosts and the daemon')
  group
    .command('init')
    .description('make an authority; its key never leaves this directory')
    .addOption(pki())
    .addOption(new Option('--name <text>', 'name of the authority').default('Belay').argParser(parseTitle))
    .addOption(new Option('--years <n>', 'how long it holds').argParser(parseCount).default(10))
    .action((_, command: Command) => actions.pkiInit(command.optsWithGlobals()))
  addIssue(group, actions)
  addEnroll(group, actions)
  group
    .command('renew [name...]')
    .description('give all whose half of life is over, or those named, another certificate; write the list')
    .addOption(pki())
    .option('--hosts', 'then what `belay pki enroll --due` does, whatever became of the files')
    .addHelpText(
      'after',
      examples('belay pki renew', 'belay pki renew --hosts', 'belay pki renew controller')
    )
    .action((names: string[], _, command: Command) => actions.pkiRenew(names, command.optsWithGlobals()))
  group
    .command('revoke <name-or-serial>')
    .description('end certificates; a daemon that reads the list refuses them within seconds')
    .addOption(pki())
    .addOption(new Option('--reason <reason>', 'why').choices(reasons).makeOptionMandatory())
    .addHelpText('after', examples('belay pki revoke otto --reason key-compromise'))
    .action((target: string, _, command: Command) => actions.pkiRevoke(target, command.optsWithGlobals()))
  group
    .command('status')
    .description('show what was signed and how long it holds; exit code 1 when something is due')
    .addOption(pki())
    .action((_, command: Command) => actions.pkiStatus(command.optsWithGlobals()))
}

function addIssue(group: Command, actions: PkiActions): void {
  group
    .command('issue <name>')
    .description('sign a certificate, and put it with a new key into one file')
    .addOption(pki())
    .addOption(new Option('--role <role>', 'for a caller: what it may do').choices(certificateRoles))
    .addOption(
      new Option('--dns <name>', 'for a server: its name; may stand several times').argParser(collect)
    )
    .addOption(
      new Option('--ip <address>', 'for a server: its address; may stand several times').argParser(
        collectAddress
      )
    )
    .addOption(new Option('--days <n>', 'how long it holds').argParser(parseDays).default(30))
    .addOption(new Option('--out <directory>', 'where to put it').default('.'))
    .option('--request <file>', 'sign this request (PKCS #10), whose key was made elsewhere')
    .addHelpText(
      'after',
      examples(
        'belay pki issue controller --dns controller.example --ip 192.0.2.7 --out /etc/belay',
        'belay pki issue anna --role operate --out ~/.config/belay',
        'belay pki issue prometheus --role observe --days 90'
      )
    )
    .action((name: string, _, command: Command) => actions.pkiIssue(name, command.optsWithGlobals()))
}

function addEnroll(group: Command, actions: PkiActions): void {
  group
    .command('enroll [host...]')
    .description('give hosts a certificate over ssh; each makes its key itself, and keeps it')
    .addOption(pki())
    .addOption(
      new Option('--dns <name>', 'another name of the host; may stand several times').argParser(collect)
    )
    .addOption(
      new Option('--ip <address>', 'an address of the host; may stand several times').argParser(
        collectAddress
      )
    )
    .addOption(new Option('--days <n>', 'how long it holds').argParser(parseDays).default(30))
    .option('--due', 'hosts that have one: another where half of its life is over, the newest list anyway')
    .addHelpText('after', examples('belay pki enroll cinnabar galena', 'belay pki enroll --due'))
    .action((hosts: string[], _, command: Command) => actions.pkiEnroll(hosts, command.optsWithGlobals()))
}

function parseTitle(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/.test(text)) return text
  throw new InvalidArgumentError('Wanted letters, digits, spaces, dots and dashes.')
}

/** A year and a month at most: longer ones are forgotten. */
function parseDays(text: string): number {
  const days = parseCount(text)
  if (days <= 398) return days
  throw new InvalidArgumentError('Wanted 1 to 398 days.')
}

function collectAddress(text: string, before: readonly string[] = []): readonly string[] {
  const all = collect(text, before)
  const wrong = all.find((address) => isIP(address) === 0)
  if (wrong === undefined) return all
  throw new InvalidArgumentError(`${wrong} is no IP address.`)
}
