import { BelayError } from '../../shared/errors.ts'
import { parseStorePath } from '../../shared/store-path.ts'
import type { Run } from './run.ts'
import { endOfLog, nixProgram } from './run.ts'

/** What can be built: a system, or a home. */
export interface Buildable {
  /** For messages: the name of the host, or `alice@cinnabar`. */
  readonly name: string
  /** Flake and attribute, as `nix build` takes it. */
  readonly installable: string
}

/** What was built for a host. */
export interface Built {
  readonly host: string
  readonly storePath: string
  readonly seconds: number
}

/** What a build needs from outside. */
export interface BuildPorts {
  readonly run: Run
  /** Milliseconds, only compared with itself. */
  readonly now: () => number
  readonly signal: AbortSignal
  /** Called for every line that Nix prints. */
  readonly onLine: (host: string, line: string) => void
}

/** Milliseconds after which a build is given up: a day. */
const BUILD_TIMEOUT = 24 * 3600_000

/** Builds one system or home. Throws `build-failed` with the end of the log. */
export async function buildHost(host: Buildable, ports: BuildPorts): Promise<Built> {
  const started = ports.now()
  const result = await ports.run(buildCommand(host), {
    timeoutMs: BUILD_TIMEOUT,
    signal: ports.signal,
    onStderrLine: (line) => ports.onLine(host.name, line)
  })
  ports.signal.throwIfAborted()
  if (result.code !== 0) {
    throw new BelayError('build-failed', `${host.installable} does not build:\n${endOfLog(result)}`, {
      found: result.code,
      wanted: 0,
      at: host.installable
    })
  }
  const seconds = Math.round((ports.now() - started) / 100) / 10
  return { host: host.name, storePath: builtPath(host, result.stdout), seconds }
}

/** The command line of a build. Logs go to stderr as whole lines; the result is JSON on stdout. */
export function buildCommand(host: Buildable): string[] {
  return [...nixProgram, 'build', '--no-link', '--json', '--print-build-logs', host.installable]
}

/** The one output in what `nix build --json` printed. */
function builtPath(host: Buildable, stdout: string): string {
  const results = parse(stdout) as { outputs?: Record<string, string> }[] | undefined
  const outputs = Object.values(results?.[0]?.outputs ?? {})
  const [path] = outputs
  if (results?.length !== 1 || path === undefined || outputs.length !== 1) {
    throw new BelayError('build-failed', `${host.installable} has not exactly one output`, {
      found: stdout.slice(0, 300),
      wanted: 'one derivation with one output'
    })
  }
  return parseStorePath(path)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
