import { recipientsOf } from '../../shared/secrets/sops.ts'
import type { ClanSecret, ClanTree } from './clan-tree.ts'
import type { SecretProblem } from './problem.ts'
import { problem } from './problem.ts'
import { sopsProblems } from './sops-problems.ts'

/** A host, and the keys that the fleet file names for it. */
export interface KeyedHost {
  readonly name: string
  readonly recipients: readonly string[]
}

/** What is wrong in a clan's tree, for these hosts. An empty tree has no problems. */
export function clanProblems(
  tree: ClanTree,
  hosts: readonly KeyedHost[],
  known: readonly string[]
): SecretProblem[] {
  if (tree.machines.size === 0 && tree.secrets.length === 0) return [...tree.problems]
  return [
    ...tree.problems,
    ...hosts.flatMap((host) => keyProblems(tree, host)),
    ...strangers(tree, known),
    ...tree.secrets.flatMap((secret) => secretProblems(tree, secret))
  ]
}

function keyProblems(tree: ClanTree, { name, recipients }: KeyedHost): SecretProblem[] {
  const path = `sops/machines/${name}/key.json`
  const keys = tree.machines.get(name) ?? []
  const needs = tree.secrets.some(({ machine, named }) => machine === name || named.machines.includes(name))
  if (keys.length === 0) {
    if (!needs && recipients.length === 0) return []
    return [problem('host-without-key', path, 'the machine has secrets, and no key of age here', name)]
  }
  const strange = recipients.length > 0 && !keys.some((key) => recipients.includes(key))
  const text = `it has ${keys.join(', ')}; the fleet file says ${recipients.join(', ')}`
  return strange ? [problem('key-differs', path, text, name)] : []
}

/** Machines of the tree that are no hosts. */
function strangers(tree: ClanTree, known: readonly string[]): SecretProblem[] {
  const owners = tree.secrets.map(({ machine }) => machine).filter((machine) => machine !== null)
  const names = new Set([...tree.machines.keys(), ...owners])
  return [...names]
    .filter((name) => !known.includes(name))
    .sort()
    .map((name) => {
      const path = tree.machines.has(name) ? `sops/machines/${name}` : `vars/per-machine/${name}`
      return problem('host-unknown', path, `no host is called ${name}: nobody uses it any more`)
    })
}

function secretProblems(tree: ClanTree, secret: ClanSecret): SecretProblem[] {
  const { path, sops, machine } = secret
  if (sops === null) return sopsProblems(path, null, machine)
  const wanted = wantedKeys(tree, secret)
  const has = recipientsOf(sops)
  const missing = wanted.filter(({ keys }) => keys.length > 0 && !keys.some((key) => has.includes(key)))
  const explained = wanted.flatMap(({ keys }) => keys)
  const more = has.filter((recipient) => !explained.includes(recipient))
  return [
    ...sopsProblems(path, sops, machine),
    ...missing.map(({ who, host }) =>
      problem('recipient-missing', path, `${who} is named beside it, and is no recipient of it`, host)
    ),
    ...(more.length > 0 && explained.length > 0
      ? [problem('recipient-unexplained', path, `also for ${more.join(', ')}, whom nothing beside it names`)]
      : [])
  ]
}

interface Wanted {
  readonly who: string
  readonly host: string | null
  readonly keys: readonly string[]
}

/** Everybody named beside a secret, the members of groups too, with their keys. */
function wantedKeys(tree: ClanTree, { named }: ClanSecret): Wanted[] {
  const parts = [named, ...named.groups.flatMap((group) => tree.groups.get(group) ?? [])]
  const machines = parts.flatMap((part) => part.machines)
  const users = parts.flatMap((part) => part.users)
  return [
    ...[...new Set(machines)].map((name) => {
      return { who: `machine ${name}`, host: name, keys: tree.machines.get(name) ?? [] }
    }),
    ...[...new Set(users)].map((name) => {
      return { who: `user ${name}`, host: null, keys: tree.users.get(name) ?? [] }
    })
  ]
}
