import type { Command } from 'commander'
import { Option } from 'commander'
import { doctor } from '../doctor/doctor.ts'
import { collect, parseCount } from './options.ts'
import { server, state } from './rollout.ts'
import type { ServerOptions } from './server.ts'
import { findServer } from './server.ts'
import { doctorView } from './views/doctor.ts'
import type { ExitCode, GlobalOptions, Terminal, Wiring } from './wiring.ts'
import { exitCodes } from './wiring.ts'

/** Options of `belay doctor`. */
export interface DoctorOptions extends GlobalOptions, ServerOptions {
  readonly host?: readonly string[]
  readonly maxParallel: number
}

/** What the command does. */
export interface DoctorActions {
  doctor(options: DoctorOptions): Promise<void>
}

/** `belay doctor`. */
export function addDoctor(program: Command, actions: DoctorActions): void {
  program
    .command('doctor')
    .description('find out what of a set-up does not work, and say what to do')
    .addOption(new Option('--host <name>', 'only this host; may stand several times').argParser(collect))
    .addOption(new Option('--max-parallel <n>', 'hosts at the same time').argParser(parseCount).default(16))
    .addOption(state())
    .addOption(server())
    .addHelpText('after', '\nExit code: 0 when nothing is to be mended, otherwise 1.\n')
    .action((_, command: Command) => actions.doctor(command.optsWithGlobals()))
}

/** Looks, shows, and says by the exit code whether there is something to mend. */
export function doctorActions(
  wiring: Wiring,
  { out, paint }: Terminal,
  exit: (code: ExitCode) => void
): DoctorActions {
  return {
    async doctor(options) {
      const { run, openTunnel, clock, signal } = wiring
      const findings = await doctor(
        {
          fleet: options.fleet,
          state: options.state,
          hosts: options.host ?? [],
          maxParallel: options.maxParallel,
          daemon: async () => (await findServer(options))?.at ?? null
        },
        { run, openTunnel, now: clock.now, signal }
      )
      if (options.json) out(`${JSON.stringify({ findings }, null, 2)}\n`)
      else out(doctorView(findings, paint))
      exit(findings.some(({ level }) => level === 'fail') ? exitCodes.failed : exitCodes.ok)
    }
  }
}
