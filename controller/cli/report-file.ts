import { writeFile } from 'node:fs/promises'
import { BelayError } from '../../shared/errors.ts'

/** Writes a file that was asked for on the command line. Throws `invalid-request`: nothing is wrong with any host. */
export async function writeReport(
  file: string,
  text: string,
  options: { readonly flag?: 'a'; readonly mode?: number } = {}
): Promise<void> {
  await writeFile(file, text, options).catch((cause: NodeJS.ErrnoException) => {
    const wanted = 'a file that can be written'
    throw new BelayError('invalid-request', `${file} was not written: ${cause.message}`, {
      cause,
      at: file,
      wanted
    })
  })
}
