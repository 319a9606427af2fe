import type { Command } from 'commander'
import { Option } from 'commander'
import type { CacheOptions } from './commands/cache.ts'
import type { CheckOptions } from './commands/check.ts'
import type { ChecklistOptions } from './commands/checklist.ts'
import type { SecretsOptions } from './commands/secrets.ts'
import { collect, collectPath, parseCount } from './options.ts'
import type { GlobalOptions } from './wiring.ts'

/** What the commands do that come before a generation reaches a host. */
export interface PipelineActions {
  check(options: CheckOptions): Promise<void>
  checklist(host: string, options: ChecklistOptions): Promise<void>
  cachePush(options: CacheOptions): Promise<void>
  cacheStatus(options: CacheOptions): Promise<void>
  vars(word: 'generate' | 'check', hosts: readonly string[], options: GlobalOptions): Promise<void>
  varsUpload(hosts: readonly string[], options: GlobalOptions): Promise<void>
  secretsCheck(options: SecretsOptions): Promise<void>
  secretsScan(paths: readonly string[], options: GlobalOptions): Promise<void>
}

const host = () => new Option('--host <name>', 'only this host; may stand several times').argParser(collect)

/** Adds `check`, `checklist`, `cache`, `vars` and `secrets`. */
export function addPipeline(program: Command, actions: PipelineActions): void {
  program
    .command('check')
    .description('evaluate, build and scan every host, and look at the repository; changes no host')
    .addOption(host())
    .addOption(new Option('--max-parallel <n>', 'hosts at the same time').argParser(parseCount).default(4))
    .option('--preview', 'also copy each closure to its host, and ask what would change there')
    .option('--markdown', 'print Markdown')
    .option('--junit <file>', 'also write the report as JUnit XML')
    .option('--summary <file>', 'also append the report as Markdown, as for $GITHUB_STEP_SUMMARY')
    .addHelpText('after', '\nExamples:\n  $ belay check\n  $ belay check --host cinnabar --junit check.xml\n')
    .action((_, command: Command) => actions.check(command.optsWithGlobals()))
  addChecklist(program, actions)
  addCache(program, actions)
  addVars(program, actions)
  const secrets = program
    .command('secrets')
    .description(
      'the secrets of the repository, and those that got into a closure; nothing is ever decrypted'
    )
  secrets
    .command('scan <store-path...>')
    .description('look for secrets in what is new of a closure; a push does so by itself')
    .addHelpText('after', '\nExamples:\n  $ belay secrets scan /nix/store/…-nixos-system-cinnabar\n')
    .action((paths: string[], _, command: Command) => actions.secretsScan(paths, command.optsWithGlobals()))
  secrets
    .command('check')
    .description('whether all are encrypted, and for the hosts that need them')
    .addOption(host())
    .option('--no-eval', 'evaluate nothing: only the files of the repository')
    .addHelpText(
      'after',
      '\nExamples:\n  $ belay secrets check\n  $ belay secrets check --host cinnabar --json\n'
    )
    .action((_, command: Command) => actions.secretsCheck(command.optsWithGlobals()))
}

function addCache(program: Command, actions: PipelineActions): void {
  const group = program.command('cache').description('the binary caches of the fleet file')
  const add = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .addOption(host())
      .addOption(new Option('--cache <name>', 'only this cache; may stand several times').argParser(collect))
      .addOption(new Option('--path <host=path>', 'use this store path, do not build').argParser(collectPath))
      .option('--no-build', 'build nothing; every host needs a --path')
  add('push', 'build, look for secrets, sign, and copy the closures to the caches')
    .addHelpText(
      'after',
      '\nExamples:\n  $ belay cache push\n  $ belay cache push --host cinnabar --cache lan\n'
    )
    .action((_, command: Command) => actions.cachePush(command.optsWithGlobals()))
  add('status', 'build, and ask the caches what they have of the closures').action((_, command: Command) =>
    actions.cacheStatus(command.optsWithGlobals())
  )
}

function addVars(program: Command, actions: PipelineActions): void {
  const group = program.command('vars').description('the variables of clan; nobody is ever asked anything')
  const add = (word: 'generate' | 'check', description: string) =>
    group
      .command(`${word} [host...]`)
      .description(description)
      .action((hosts: string[], _, command: Command) => actions.vars(word, hosts, command.optsWithGlobals()))
  add('generate', 'let clan make what is missing, then look at its tree')
  add('check', 'let clan check, then look at its tree')
  group
    .command('upload [host...]')
    .description('upload the secrets of hosts, one after the other, and ask each whether it can use them')
    .action((hosts: string[], _, command: Command) => actions.varsUpload(hosts, command.optsWithGlobals()))
}

function addChecklist(program: Command, actions: PipelineActions): void {
  program
    .command('checklist <host>')
    .description('the production checklist of a host, each point with its evidence; changes nothing')
    .addOption(
      new Option('--path <store-path>', 'for this generation; default is the one that runs').conflicts('next')
    )
    .option('--next', 'for the generation that the flake has now; builds it')
    .addOption(
      new Option('--drill-days <n>', 'how old the last rollback drill may be')
        .argParser(parseCount)
        .default(30)
    )
    .addHelpText('after', '\nExamples:\n  $ belay checklist cinnabar\n  $ belay checklist cinnabar --next\n')
    .action((name: string, _, command: Command) => actions.checklist(name, command.optsWithGlobals()))
}
