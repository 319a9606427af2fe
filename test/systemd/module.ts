import { cpSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { CommandResult } from '../../shared/command.ts'
import type { Host } from '../fleet/host.ts'

export const checkout = resolve(import.meta.dirname, '../..')
/** Where a host of the fleet has the checkout, read-only. */
const there = '/opt/belay/checkout'

interface Lock {
  readonly packages: Readonly<Record<string, Locked>>
}
interface Locked {
  readonly name?: string
  readonly version: string
  readonly integrity?: string
  readonly resolved?: string
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
}

/** package-lock.json. */
export const lock = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')) as Lock

/** Where npm gets what lies in a directory of node_modules. */
export function urlOf(path: string, version: string): string {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  return `https://registry.npmjs.org/${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`
}

/** For the stand-in of fetchurl: URL to directory. */
const modules = JSON.stringify(
  Object.fromEntries(
    Object.entries(lock.packages)
      .filter(([path]) => path !== '')
      .map(([path, { version }]) => [urlOf(path, version), path])
  )
)

/** Evaluates and builds test/fixtures/module/default.nix with the Nix of a host. */
export function moduleOn(host: Host) {
  const real = process.env.BELAY_NIXPKGS_LIB
  if (real) cpSync(real, join(host.root, 'root/nixpkgs-lib'), { recursive: true })
  const base = [`${there}/test/fixtures/module`, '--arg', 'checkout', there, '--argstr', 'modules', modules]
  const lib = real ? ['--arg', 'lib', 'import /root/nixpkgs-lib'] : []
  const configured = (config: string) => ['--arg', 'host', config]

  const evaluate = (attribute: string, config = '{ }'): Promise<CommandResult> =>
    host.run([
      ...['nix-instantiate', '--eval', '--strict', '--json', ...base, ...lib],
      ...[...configured(config), '--attr', attribute]
    ])
  const build = (attribute: string, config = '{ }'): Promise<CommandResult> =>
    host.run(['nix-build', '--no-out-link', ...base, ...lib, ...configured(config), '--attr', attribute], {
      timeoutMs: 300_000
    })
  return {
    evaluate,
    build,
    /** Like evaluate and build, for what must succeed: the value, and the store path. */
    value: async (attribute: string, config?: string): Promise<unknown> =>
      JSON.parse(stdoutOf(await evaluate(attribute, config))),
    path: async (attribute: string, config?: string): Promise<string> =>
      stdoutOf(await build(attribute, config))
  }
}

function stdoutOf(result: CommandResult): string {
  if (result.code !== 0) throw new Error(result.stderr.slice(-3000))
  return result.stdout.trim()
}
