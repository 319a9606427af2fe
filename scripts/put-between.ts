import { readFile, writeFile } from 'node:fs/promises'

/** Puts generated text into a document, between `<!-- NAME: COMMAND -->` and `<!-- end of NAME -->`. */
export async function putBetween(file: string, name: string, command: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${name}: ${command} -->`, `<!-- end of ${name} -->`]
  const [before, rest] = (await readFile(file, 'utf8')).split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`${file} has no ${begin} … ${end}`)
  await writeFile(file, `${before}${begin}\n${text}\n${end}${after}`)
}
