import type { Stats } from 'node:fs'
import { Type } from 'typebox'
import type { Finding } from './kind.ts'
import { defineKind, fail, orNull, pass, path, some, yesOrNo } from './kind.ts'

/** Secrets that must be where they belong, readable by whom they belong to. Their contents are never read. */
export const secretsPresentKind = defineKind({
  options: {
    secrets: Type.Array(
      Type.Object(
        {
          path: path('Where the secret is'),
          owner: orNull(
            Type.String({ pattern: '^[a-z0-9_][a-z0-9_.-]*$', description: 'Owner, by name or number' })
          ),
          group: orNull(
            Type.String({ pattern: '^[a-z0-9_][a-z0-9_.-]*$', description: 'Group, by name or number' })
          ),
          mode: orNull(Type.String({ pattern: '^[0-7]{3,4}$', description: 'Mode, in octal' }))
        },
        { additionalProperties: false }
      ),
      {
        minItems: 1,
        maxItems: 200,
        description: 'Every secret, with its owner, group and mode where they matter'
      }
    )
  },
  gives: yesOrNo,
  begin:
    ({ secrets }) =>
    async ({ root, signal }) => {
      const { lstat, readFile } = await import('node:fs/promises')
      const numbers = async (file: string) =>
        parseNumbers(await readFile(`${root}/etc/${file}`, 'utf8').catch(() => ''))
      const [users, groups] = await Promise.all([numbers('passwd'), numbers('group')])
      const found: (string | null)[] = []
      for (const secret of secrets) {
        signal.throwIfAborted()
        // Not followed: a link to somewhere else is not the secret.
        const seen = await lstat(root + secret.path).catch(
          (error: NodeJS.ErrnoException) => error.code ?? 'error'
        )
        found.push(flawOf(secret, seen, users, groups))
      }
      return judgeSecrets(found)
    }
})

/** What a secret must be like; null where it does not matter. */
export interface Secret {
  readonly path: string
  readonly owner: string | null
  readonly group: string | null
  readonly mode: string | null
}

type Numbers = ReadonlyMap<string, number>
type Seen = Pick<Stats, 'mode' | 'uid' | 'gid' | 'size' | 'isFile' | 'isSymbolicLink'>

/** What is wrong with a secret, or null. */
export function flawOf(secret: Secret, seen: Seen | string, users: Numbers, groups: Numbers): string | null {
  const { path, owner, group, mode } = secret
  if (typeof seen === 'string') return `${path} is missing (${seen})`
  if (seen.isSymbolicLink()) return `${path} is a link`
  if (!seen.isFile()) return `${path} is no file`
  if (seen.size === 0) return `${path} is empty`
  const is = (seen.mode & 0o7777).toString(8).padStart(4, '0')
  if (mode !== null && is !== mode.padStart(4, '0')) return `${path} has mode ${is}, wanted ${mode}`
  const differs = (wanted: string | null, number: number, names: Numbers) =>
    wanted !== null && number !== (/^\d+$/.test(wanted) ? Number(wanted) : names.get(wanted))
  if (differs(owner, seen.uid, users)) return `${path} belongs to user ${seen.uid}, wanted ${owner}`
  if (differs(group, seen.gid, groups)) return `${path} belongs to group ${seen.gid}, wanted ${group}`
  return null
}

/** Names and numbers of /etc/passwd or /etc/group. */
export function parseNumbers(text: string): Numbers {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [name, , number] = line.split(':')
      return name && number && /^\d+$/.test(number) ? [[name, Number(number)] as const] : []
    })
  )
}

/** All of them, by what is wrong with each. */
export function judgeSecrets(flaws: readonly (string | null)[]): Finding {
  const bad = flaws.filter((flaw) => flaw !== null)
  return bad.length === 0 ? pass(`${flaws.length} secrets are in place`) : fail(some(bad, 3))
}
