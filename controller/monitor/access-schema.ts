import { resolve } from 'node:path'
import type { Static } from 'typebox'
import { Type } from 'typebox'
import { closed } from '../inventory/words.ts'

const file = (description: string) => Type.Optional(Type.String({ description, minLength: 1 }))

/** How we identify ourselves to an engine, and it to us: part of every place that names the URL of one. */
export const accessFields = {
  tokenFile: file('Bearer token; a relative path counts from the fleet file. Nobody else may read it'),
  basicAuth: Type.Optional(
    Type.Object(
      {
        username: Type.String({
          description: 'Name of the user',
          pattern: '^[^:\\u0000-\\u001f\\u007f]+$',
          maxLength: 200
        }),
        passwordFile: Type.String({ description: 'Its password, likewise in a file', minLength: 1 })
      },
      { ...closed, description: 'HTTP basic authentication, in place of a token' }
    )
  ),
  caFile: file('Certificates (PEM) that its own must be signed by, in place of those that the system trusts')
}

const Fields = Type.Object(accessFields)
export type AccessFields = Static<typeof Fields>

/** The same with absolute paths. */
export interface Access {
  readonly tokenFile: string | null
  readonly basicAuth: { readonly username: string; readonly passwordFile: string } | null
  readonly caFile: string | null
}

/** For an engine that lets everybody in. */
export const openAccess: Access = { tokenFile: null, basicAuth: null, caFile: null }

/** The access that an entry names; `directory` is that of the fleet file. */
export function accessOf({ tokenFile, basicAuth, caFile }: AccessFields, directory: string): Access {
  const absolute = (path: string | undefined) => (path === undefined ? null : resolve(directory, path))
  const passwordFile = absolute(basicAuth?.passwordFile)
  return {
    tokenFile: absolute(tokenFile),
    basicAuth: basicAuth === undefined || passwordFile === null ? null : { ...basicAuth, passwordFile },
    caFile: absolute(caFile)
  }
}

/** A URL without the slashes at its end: how engines are told apart. */
export const baseOf = (url: string): string => url.replace(/\/+$/, '')
