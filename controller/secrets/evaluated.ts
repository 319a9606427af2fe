import { Type } from 'typebox'
import { sopsFormats } from '../../shared/secrets/sops.ts'
import { checked } from '../inventory/checked.ts'
import type { Evaluate } from '../inventory/evaluate.ts'
import type { Declared } from './sops-problems.ts'

const Evaluated = Type.Record(
  Type.String(),
  Type.Object({
    sopsFile: Type.String({ description: 'Its encrypted file' }),
    format: Type.Enum(sopsFormats, { description: 'Format of that file' })
  })
)

/** What systems of NixOS and nix-darwin end with. */
const SYSTEM = /\.config\.system\.build\.toplevel$|\.system$/

/** What the evaluation of a host says of its secrets with sops-nix; none where it has no such option. */
export async function readDeclared(installable: string, evaluate: Evaluate): Promise<readonly Declared[]> {
  const attribute = installable.slice(installable.indexOf('#') + 1)
  if (!SYSTEM.test(attribute)) return []
  const at = `${attribute.replace(SYSTEM, '')}.config.sops.secrets`
  const apply = 'builtins.mapAttrs (_: s: { sopsFile = toString s.sopsFile; format = s.format or "yaml"; })'
  const found = checked(Evaluated, (await evaluate(at, apply)) ?? {}, at)
  return Object.entries(found).map(([name, secret]) => ({ name, ...secret }))
}
