import { Type } from 'typebox'
import { BelayError } from '../../shared/errors.ts'
import { checked } from './checked.ts'
import type { Evaluate } from './evaluate.ts'
import type { HostEntry } from './schema.ts'
import { hostName } from './words.ts'

const Names = Type.Array(Type.String({ pattern: hostName }), { maxItems: 10_000 })

/** The hosts that a flake has systems for, with what that says about them: their platform. */
export async function flakeHosts(evaluate: Evaluate): Promise<ReadonlyMap<string, HostEntry>> {
  const [nixos, darwin] = await Promise.all([
    names(evaluate, 'nixosConfigurations'),
    names(evaluate, 'darwinConfigurations')
  ])
  if (nixos === null && darwin === null) {
    const text = 'the flake has neither nixosConfigurations nor darwinConfigurations'
    throw new BelayError('invalid-inventory', text, { wanted: 'one of the two' })
  }
  const both = (nixos ?? []).find((name) => darwin?.includes(name))
  if (both !== undefined) {
    const text = `the flake has ${both} both in nixosConfigurations and in darwinConfigurations`
    throw new BelayError('invalid-inventory', text, { found: both, wanted: 'each host in one of them' })
  }
  return new Map<string, HostEntry>([
    ...(nixos ?? []).map((name) => [name, { platform: 'nixos' }] as const),
    ...(darwin ?? []).map((name) => [name, { platform: 'darwin' }] as const)
  ])
}

async function names(evaluate: Evaluate, attribute: string): Promise<readonly string[] | null> {
  const found = await evaluate(attribute, 'builtins.attrNames')
  return found === null ? null : checked(Names, found, attribute)
}
