import { BelayError } from '../../shared/errors.ts'

interface PathOptions {
  readonly build: boolean
  readonly path?: ReadonlyMap<string, string>
}

/** The given store paths by host or home. Refuses those of what is not selected, and --no-build without a path. */
export function checkPaths(
  selected: readonly { readonly name: string }[],
  options: PathOptions
): ReadonlyMap<string, string> {
  const paths = options.path ?? new Map<string, string>()
  const names = selected.map(({ name }) => name)
  const strange = [...paths.keys()].find((name) => !names.includes(name))
  if (strange !== undefined) {
    throw new BelayError('invalid-request', `--path names ${strange}, which is not among what is selected`, {
      found: strange,
      wanted: names
    })
  }
  const without = names.filter((name) => !paths.has(name))
  if (!options.build && without.length > 0) {
    const wanted = without.map((name) => `--path ${name}=/nix/store/…`).join(' ')
    throw new BelayError(
      'invalid-request',
      `--no-build needs a path for everything that is selected; missing: ${wanted}`,
      {
        found: [...paths.keys()],
        wanted: names
      }
    )
  }
  return paths
}
