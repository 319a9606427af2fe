import { mustRun } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { tools } from './tools.ts'

/** Reads the answer of sysctl: one UUID. Throws `command-failed` for anything else. */
export function parseBootSession(text: string): string {
  const id = text.trim()
  if (/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i.test(id)) return id.toUpperCase()
  throw new BelayError('command-failed', 'sysctl gives no kern.bootsessionuuid', {
    found: id.slice(0, 80),
    wanted: 'a UUID'
  })
}

/** Identity of this boot. Not kern.boottime, which moves with the clock, nor kern.uuid, which is the kernel's. */
export async function bootSession(): Promise<string> {
  return parseBootSession(
    (await mustRun([tools.sysctl, '-n', 'kern.bootsessionuuid'], { timeoutMs: 10_000 })).stdout
  )
}
