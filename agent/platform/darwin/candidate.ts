import { lstat, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BelayError } from '../../../shared/errors.ts'
import { ignoreMissing } from '../nix/generations.ts'
import { readStoreFile } from '../nix/store-file.ts'
import { AGENT_LABEL, isOurs } from './jobs.ts'

/** What this host is, for telling whether a closure is meant for it. */
export interface Wanted {
  readonly hostName: string
  /** The running system, whose `system` names the platform. */
  readonly running: string
}

/** Folders of property lists in a system. */
export const jobFolders = [
  'Library/LaunchDaemons',
  'Library/LaunchAgents',
  'user/Library/LaunchAgents'
] as const

const at = 'storePath'
/** Of a file that says a word about the system. */
const MAX_BYTES = 64 * 1024

/** The text of a file of a system; null for what is none, too long, or leads out of the store: it is made by others. */
async function textOf(system: string, file: string): Promise<string | null> {
  return readStoreFile(join(system, file), MAX_BYTES, `${dirname(system)}/`)
}

/**
 * Refuses what is not a system of nix-darwin for this host: `path-not-valid`, `not-a-system`, `wrong-platform`,
 * `wrong-host`, `agent-missing` or `reserved-unit`.
 */
export async function assertCandidate(storePath: string, wanted: Wanted): Promise<void> {
  await assertSystem(storePath, wanted)
  await assertJobs(storePath)
}

/**
 * The first half: a system, and for this host. It says of itself in `systemConfig` which it is, so that a copy or a part of
 * another does not pass. nix-darwin writes the host's name into no file: the agent's own settings may.
 */
export async function assertSystem(storePath: string, wanted: Wanted): Promise<void> {
  if ((await lstat(storePath).catch(ignoreMissing(null))) === null) {
    throw new BelayError('path-not-valid', `${storePath} is not on this host`, {
      found: storePath,
      wanted: 'a path in this store',
      at
    })
  }
  const own = (await textOf(storePath, 'systemConfig'))?.trim() ?? null
  if (own !== storePath) {
    const found =
      own === null ? `${storePath} has no systemConfig` : `systemConfig names ${own.slice(0, 200)}`
    throw notASystem(found, 'systemConfig that names the path itself')
  }
  for (const file of ['darwin-version.json', 'system', 'activate']) {
    if ((await lstat(join(storePath, file)).catch(ignoreMissing(null))) === null)
      throw notASystem(`${storePath} has no ${file}`, file)
  }
  const [system, here] = await Promise.all([storePath, wanted.running].map((path) => textOf(path, 'system')))
  if (system?.trim() !== here?.trim()) {
    const text = `a system for ${system?.trim()}; this host is ${here?.trim()}`
    throw new BelayError('wrong-platform', text, { found: system?.trim(), wanted: here?.trim(), at })
  }
  const host = hostOf((await textOf(storePath, 'etc/belay/agent.json')) ?? '')
  if (host !== null && host !== wanted.hostName) {
    const text = `a system for ${host}; this host is ${wanted.hostName}`
    throw new BelayError('wrong-host', text, { found: host, wanted: wanted.hostName, at })
  }
}

function notASystem(found: string, wanted: string): BelayError {
  return new BelayError('not-a-system', `not a system of nix-darwin: ${found}`, { found, wanted, at })
}

/** The host that settings name; null where they name none. */
export function hostOf(settings: string): string | null {
  try {
    const { hostName } = JSON.parse(settings) as { hostName?: unknown }
    return typeof hostName === 'string' && hostName !== '' ? hostName : null
  } catch {
    return null
  }
}

/** The second half: the candidate has an agent, which brings the host back from the next one, and no job with a label of ours. */
export async function assertJobs(storePath: string): Promise<void> {
  const agent = `Library/LaunchDaemons/${AGENT_LABEL}.plist`
  if (((await textOf(storePath, agent)) ?? '').trim() === '') {
    const text = 'the generation has no belay-agent; nothing could bring the host back from the next one'
    throw new BelayError('agent-missing', text, { found: `${storePath} has no ${agent}`, wanted: agent, at })
  }
  for (const folder of jobFolders) {
    const ours = (await labelsIn(storePath, folder)).find(isOurs)
    if (ours === undefined) continue
    const text = `the generation has a job ${ours}; that label is of what activates it`
    throw new BelayError('reserved-unit', text, {
      found: `${folder}/${ours}.plist`,
      wanted: 'another label',
      at
    })
  }
}

/** The jobs of a folder of a system, by the names of their files, which nix-darwin takes from the labels. */
export async function labelsIn(
  storePath: string,
  folder: (typeof jobFolders)[number]
): Promise<readonly string[]> {
  const names = await readdir(join(storePath, folder)).catch(ignoreMissing<string[]>([]))
  return names.flatMap((name) => (name.endsWith('.plist') ? [name.slice(0, -'.plist'.length)] : [])).sort()
}
