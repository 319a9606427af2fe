import { stat } from 'node:fs/promises'
import { BelayError } from '../../shared/errors.ts'

/** Refuses a private key that others can read: `invalid-request`. What is in it is not looked at. */
export async function assertPrivate(keyFile: string): Promise<void> {
  const seen = await stat(keyFile).catch((cause: NodeJS.ErrnoException) => {
    throw new BelayError('invalid-request', `${keyFile} cannot be read: ${cause.message}`, {
      cause,
      at: keyFile
    })
  })
  const mode = (seen.mode & 0o777).toString(8).padStart(4, '0')
  if (seen.isFile() && (seen.mode & 0o077) === 0) return
  const text = `${keyFile} is ${seen.isFile() ? `readable for others (mode ${mode})` : 'no file'}`
  throw new BelayError('invalid-request', `${text}; a private key belongs to one alone: chmod 600`, {
    ...{ found: mode, wanted: '0600', at: keyFile }
  })
}
