import { stripVTControlCharacters } from 'node:util'

/** Controls, further ends of a line, and what turns the direction of text around. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const unseen = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g

/** Text from a host, a program or a person, unable to move the cursor, to colour or turn what follows or to forge a line. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replace(unseen, ' ')
}

/** Text of others inside Markdown: on its line, nothing in it is markup or HTML, and it calls nobody. */
export function plainMarkdown(text: string): string {
  return clean(text).replace(/[\\`*_{}[\]<>|#~&@]/g, '\\$&')
}
