import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mustRun, runCommand } from '../../shared/command.ts'

const recipe = join(import.meta.dirname, 'root-recipe.sh')

/** Debian packages that the fleet and its tests need on the machine that runs them. */
export const debianPackages = [
  'debootstrap',
  'debian-archive-keyring',
  'systemd-container',
  'iproute2',
  'openssh-client',
  'shellcheck',
  'prometheus',
  'victoria-metrics',
  'zsh',
  'fish',
  'age',
  'python3'
] as const

/** Where cached things live, outside the checkout. */
export function cacheDir(): string {
  return process.env.BELAY_CACHE || '/var/cache/belay'
}

/** The cached root file system of this recipe. It exists after `npm run setup`. */
export function rootPath(): string {
  const hash = createHash('sha256').update(readFileSync(recipe)).digest('hex').slice(0, 16)
  return join(cacheDir(), `root-${hash}`)
}

/** Why no fleet can run here; undefined when it can. */
export function fleetUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'not Linux'
  if (process.getuid?.() !== 0) return 'not root'
  if (!existsSync('/usr/bin/systemd-nspawn')) return 'systemd-nspawn is missing: run `npm run setup`'
  if (!existsSync(rootPath())) return `${rootPath()} is missing: run \`npm run setup\``
  return undefined
}

/** Builds the cached root unless it is there. Two runs at once make one root. */
export async function ensureRoot(onLine?: (line: string) => void): Promise<string> {
  const target = rootPath()
  if (existsSync(target)) return target
  mkdirSync(cacheDir(), { recursive: true })
  await mustRun(['flock', join(cacheDir(), 'lock'), 'sh', recipe, target], {
    timeoutMs: 15 * 60_000,
    ...(onLine ? { onStderrLine: onLine } : {})
  })
  return target
}

/** The packages of {@link debianPackages} that are not installed. */
export async function missingPackages(): Promise<string[]> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax
  const format = '${Package} ${db:Status-Status}\\n'
  const query = await runCommand(['dpkg-query', '-W', '-f', format, ...debianPackages], {
    timeoutMs: 30_000
  })
  const installed = new Set(
    query.stdout.split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : []))
  )
  return debianPackages.filter((name) => !installed.has(name))
}
