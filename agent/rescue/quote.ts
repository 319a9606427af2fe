/** A command line as a person types it into a shell. */
export function quoted(argv: readonly string[]): string {
  return argv.map((word) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : shellWord(word))).join(' ')
}

/** One word that a shell takes literally. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
