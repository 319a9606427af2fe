import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun, runCommand } from '../../shared/command.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import type { Finding } from './check.ts'
import { check, fail, pass, unknown } from './check.ts'

const unit = 'etc/systemd/system/belay-agent.service'
/** Node starts in half a second; a slow machine under load takes longer. */
const RUN_SECONDS = 20

/** What was seen of the candidate's agent. */
export interface Ran {
  readonly executable: string | null
  readonly inClosure: boolean
  /** Null where it was not run. */
  readonly result: { readonly code: number | null; readonly stdout: string; readonly stderr: string } | null
}

/** The candidate's agent starts and tells its version. */
export const agentRuns = check({
  name: 'agent-runs',
  limitSeconds: 2 * RUN_SECONDS + 20,
  look: async ({ storePath }, signal): Promise<Ran> => {
    const executable = executableOf(await unitText(storePath))
    if (executable === null) return { executable, inClosure: false, result: null }
    const inClosure = await isInClosure(storePath, executable)
    if (!inClosure) return { executable, inClosure, result: null }
    const start = () =>
      runCommand(strangersCommand(executable), { timeoutMs: (RUN_SECONDS + 5) * 1000, signal })
    const first = await start()
    // One that stumbles once is no reason to keep a generation out.
    return { executable, inClosure, result: first.code === 0 ? first : await start() }
  },
  judge: judgeRun
})

export function judgeRun({ executable, inClosure, result }: Ran): Finding {
  const remedy = 'build the generation with a belay-agent that starts: services.belay-agent.package'
  if (executable === null) return unknown('the unit names no executable in the store')
  if (!inClosure) return fail('agent-broken', `${executable} is not in the closure`, remedy)
  if (result === null) return unknown('it was not run')
  const version = /^\d+\.\d+\.\d+\S*$/m.exec(result.stdout)?.[0]
  if (result.code === 0 && version !== undefined) return pass(`${executable} tells its version, ${version}`)
  if (!wasTried(result)) return unknown(`it could not be tried (${result.code}): ${result.stderr.trim()}`)
  const said = (result.stderr || result.stdout).trim().split('\n').at(-1) ?? ''
  return fail('agent-broken', `${executable} --version exited with ${result.code}: ${said}`, remedy)
}

/** From 200 on systemd tells what it could not set up, see systemd.exec(5); 203 is the program itself. */
function wasTried({ code, stderr }: { readonly code: number | null; readonly stderr: string }): boolean {
  if (code === null || /^Failed to (start|connect|create)/m.test(stderr)) return false
  return code < 200 || code === 203
}

/** The executable of the last `ExecStart=` that counts: an empty one takes back those before it. */
export function executableOf(text: string): string | null {
  const lines = [...text.matchAll(/^\s*ExecStart\s*=\s*(.*)$/gm)].map(([, value = '']) => value.trim())
  // systemd allows these in front: see systemd.service(5), "special executable prefixes".
  const [, path = null] = /^[-@:+!|]*"?(\/nix\/store\/[^\s"$%\\]+)"?(\s|$)/.exec(lines.at(-1) ?? '') ?? []
  return path
}

/** The unit with its drop-ins, in the order in which systemd reads them. */
async function unitText(storePath: string): Promise<string> {
  const folder = join(storePath, `${unit}.d`)
  const names = await readdir(folder).catch(ignoreMissing<string[]>([]))
  const dropIns = names.filter((name) => name.endsWith('.conf')).sort()
  const files = [join(storePath, unit), ...dropIns.map((name) => join(folder, name))]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(ignoreMissing(''))))
  return texts.join('\n')
}

async function isInClosure(storePath: string, executable: string): Promise<boolean> {
  const query = ['nix-store', '--query', '--requisites', storePath]
  const { stdout } = await mustRun(query, {
    timeoutMs: 30_000,
    env: { NIX_REMOTE: '' },
    maxOutput: 64 * 1024 * 1024
  })
  return stdout.split('\n').includes(executable.split('/').slice(0, 4).join('/'))
}

/**
 * Anybody who may look at the host may name a path: what runs here is a stranger's program. It gets a user of its own
 * that owns nothing, no network, no socket of ours, no device, nothing to write to, and little memory and time.
 */
function strangersCommand(executable: string): string[] {
  const properties = [
    ...['DynamicUser=yes', 'PrivateNetwork=yes', 'PrivateDevices=yes', 'ProtectHome=yes', 'PrivateUsers=yes'],
    ...[
      'ProtectKernelTunables=yes',
      'ProtectKernelModules=yes',
      'ProtectKernelLogs=yes',
      'ProtectProc=invisible'
    ],
    ...[
      'ProtectControlGroups=yes',
      'RestrictNamespaces=yes',
      'CapabilityBoundingSet=',
      'SystemCallArchitectures=native'
    ],
    ...['InaccessiblePaths=-/run/belay -/run/dbus -/run/systemd/private', 'UMask=0077'],
    ...['MemoryMax=512M', 'TasksMax=64', 'CPUWeight=20', `RuntimeMaxSec=${RUN_SECONDS}`, 'TimeoutStopSec=2']
  ]
  return [
    ...[
      'systemd-run',
      `--unit=belay-preflight-${randomBytes(4).toString('hex')}`,
      '--wait',
      '--pipe',
      '--collect'
    ],
    ...['--quiet', '--no-ask-password', '--service-type=exec', ...properties.map((p) => `--property=${p}`)],
    ...['--', executable, '--version']
  ]
}
