import type { Static } from 'typebox'
import { Type } from 'typebox'
import { BelayError } from '../../shared/errors.ts'
import { checked } from './checked.ts'
import type { Evaluate } from './evaluate.ts'
import type { HostEntry } from './schema.ts'
import { hostName, word } from './words.ts'

const Nullable = (description: string) =>
  Type.Optional(Type.Union([Type.String({ description }), Type.Null()]))

/** What we read of a machine. Open: the clan has fields of its own. */
const Machine = Type.Object({
  tags: Type.Optional(Type.Array(Type.String({ pattern: word }))),
  machineClass: Type.Optional(Type.Enum(['nixos', 'darwin'])),
  deploy: Type.Optional(Type.Object({ targetHost: Nullable('Where the machine is reached') }))
})
const Machines = Type.Record(Type.String({ pattern: hostName }), Machine, { additionalProperties: false })
const Targets = Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]))

const INVENTORY = 'clan.inventory.machines'

/** The machines of a clan inventory: tags, platform, and where ssh reaches them. */
export async function clanHosts(evaluate: Evaluate): Promise<ReadonlyMap<string, HostEntry>> {
  const found = await evaluate(INVENTORY)
  if (found === null) {
    throw new BelayError('invalid-inventory', `the flake has no ${INVENTORY}`, { wanted: INVENTORY })
  }
  const machines = checked(Machines, found, INVENTORY)
  const entries = Object.entries(machines)
  const targets = await configuredTargets(evaluate, entries)
  return new Map(
    entries.map(([name, machine]) => {
      const target = machine.deploy?.targetHost ?? targets.get(name) ?? null
      return [name, entryOf(name, machine, target)]
    })
  )
}

function entryOf(name: string, machine: Static<typeof Machine>, target: string | null): HostEntry {
  return {
    ...(machine.machineClass === undefined ? {} : { platform: machine.machineClass }),
    // The clan says the same of every machine, which tells nothing.
    tags: [...new Set(machine.tags ?? [])].filter((tag) => tag !== 'all'),
    ...(target === null ? {} : { connection: { ssh: sshOf(name, target) } })
  }
}

/** Where the inventory is silent, the machine's own configuration may say it. One evaluation for all of them. */
async function configuredTargets(
  evaluate: Evaluate,
  machines: readonly (readonly [string, Static<typeof Machine>])[]
): Promise<ReadonlyMap<string, string | null>> {
  const silent = machines.filter(([, { deploy }]) => (deploy?.targetHost ?? null) === null)
  const targets = new Map<string, string | null>()
  for (const platform of ['nixos', 'darwin'] as const) {
    const names = silent.filter(([, { machineClass = 'nixos' }]) => machineClass === platform)
    if (names.length === 0) continue
    // Names have been checked: nothing in them can end the string.
    const wanted = names.map(([name]) => `"${name}" = null;`).join(' ')
    const apply = `systems: builtins.mapAttrs (_: system: system.config.clan.core.networking.targetHost or null) (builtins.intersectAttrs { ${wanted} } systems)`
    const found = (await evaluate(`${platform}Configurations`, apply)) ?? {}
    const at = `${platform}Configurations.*.config.clan.core.networking.targetHost`
    for (const [name, target] of Object.entries(checked(Targets, found, at))) targets.set(name, target)
  }
  return targets
}

/** `user@host:port`, user and port may be missing, an IPv6 address stands in brackets. */
const TARGET =
  /^(?:([a-z_][a-z0-9_.-]{0,31})@)?(?:\[([0-9a-fA-F:.]+(?:%[A-Za-z0-9_.-]{1,15})?)\]|([A-Za-z0-9_][A-Za-z0-9_.-]{0,252}))(?::([0-9]{1,5}))?$/

function sshOf(name: string, target: string) {
  const match = TARGET.exec(target)
  const [, user, address, host, port] = match ?? []
  const reached = address ?? host
  if (reached === undefined || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) {
    const text = `targetHost of ${name}: found ${JSON.stringify(target.slice(0, 200))}, wanted [user@]host[:port]`
    throw new BelayError('invalid-inventory', text, { found: target, wanted: '[user@]host[:port]', at: name })
  }
  return {
    host: reached,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: Number(port) })
  }
}
