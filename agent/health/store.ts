import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { durableWrite } from '../../shared/durable-write.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import type { Standing } from './state.ts'

/** What outlives the agent: where every check stands, and what some remember. */
export interface Kept {
  readonly standings: Readonly<Record<string, Standing>>
  readonly memories: Readonly<Record<string, unknown>>
}

const VERSION = 1
export const nothingKept: Kept = { standings: {}, memories: {} }
// In a directory of its own: what the state directory has set aside for a full disk is not for this.
const directoryIn = (stateDirectory: string) => join(stateDirectory, 'checks')
const fileIn = (stateDirectory: string) => join(directoryIn(stateDirectory), 'state.json')

/** What was kept. A file that cannot be read is as good as none: `problem` says so. */
export async function readKept(stateDirectory: string): Promise<Kept & { readonly problem: string | null }> {
  try {
    const text = await readFile(fileIn(stateDirectory), 'utf8').catch(ignoreMissing(null))
    if (text === null) return { ...nothingKept, problem: null }
    const { version, standings, memories } = JSON.parse(text) as Partial<Kept> & { version?: unknown }
    if (version !== VERSION) throw new Error(`version ${JSON.stringify(version)}, wanted ${VERSION}`)
    const good = Object.entries(standings ?? {}).filter(([name, standing]) => isStanding(name, standing))
    return { standings: Object.fromEntries(good), memories: memories ?? {}, problem: null }
  } catch (error) {
    return { ...nothingKept, problem: `${fileIn(stateDirectory)}: ${(error as Error).message}` }
  }
}

function isStanding(name: string, { last, since, failedMs, failing, changes }: Standing): boolean {
  return (
    last?.check === name &&
    Number.isFinite(last.at) &&
    ['pass', 'warn', 'fail', 'unknown'].includes(last.result) &&
    Number.isFinite(since) &&
    (failedMs === null || Number.isFinite(failedMs)) &&
    typeof failing === 'boolean' &&
    Array.isArray(changes)
  )
}

/** Keeps it durably. */
export async function writeKept(stateDirectory: string, kept: Kept): Promise<void> {
  await mkdir(directoryIn(stateDirectory), { recursive: true, mode: 0o700 })
  await durableWrite(fileIn(stateDirectory), `${JSON.stringify({ version: VERSION, ...kept })}\n`)
}
