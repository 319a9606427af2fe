import { stripVTControlCharacters } from 'node:util'

/** Text from a host, a program or a person, unable to move the cursor, to colour what follows or to forge a line. */
export function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

/** Text of others inside Markdown: on its line, nothing in it is markup or HTML, and it calls nobody. */
export function plainMarkdown(text: string): string {
  return clean(text).replace(/[\\`*_{}[\]<>|#~&@]/g, '\\$&')
}
