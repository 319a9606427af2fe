import { watch } from 'node:fs'

/**
 * Calls at every change of names in a directory, until what is returned is called. One that cannot be watched, since it
 * is not there or the kernel's watches are used up, is not: who calls this has to look now and then as well.
 */
export function noticeChanges(directory: string, changed: () => void): () => void {
  try {
    const watcher = watch(directory, { persistent: false }, changed).on('error', changed)
    return () => watcher.close()
  } catch {
    return () => {}
  }
}
