import { BelayError } from '../../shared/errors.ts'
import type { Run } from '../build/run.ts'
import { endOfLog, nixProgram } from '../build/run.ts'
import type { Cache } from '../inventory/pipeline-schema.ts'
import type { LeakGate } from '../leaks/gate.ts'
import { assertPrivate } from './key-file.ts'

/** What a push to a cache needs from outside. */
export interface CachePorts {
  readonly run: Run
  readonly signal: AbortSignal
  readonly leaks: LeakGate
  readonly onLine: (line: string) => void
}

/** A cache with its name in the fleet file, and its key file as an absolute path. */
export interface NamedCache {
  readonly name: string
  readonly cache: Cache
  readonly keyFile: string | null
}

/** Milliseconds: signing hashes nothing, and a first push is the whole of a closure. */
const SIGN_MS = 30 * 60_000
const PUSH_MS = 6 * 3600_000

/**
 * Signs a closure and copies it to a cache. A closure with a secret in it goes nowhere. Throws `leak-found`,
 * `invalid-request` for a key that others can read, `push-failed`.
 */
export async function pushToCache(to: NamedCache, storePath: string, ports: CachePorts): Promise<void> {
  await ports.leaks(storePath, ports.onLine)
  const { keyFile } = to
  const sign = [...nixProgram, 'store', 'sign', '--recursive', '--key-file', keyFile ?? '']
  if (keyFile !== null) {
    await assertPrivate(keyFile)
    await carryOut([...sign, storePath], SIGN_MS, to.name, ports)
  }
  await carryOut(pushCommand(to.cache, storePath), PUSH_MS, to.name, ports)
  const { kind = 'nix', url } = to.cache
  // A path that was there before, without this signature, was not copied again.
  if (keyFile !== null && kind === 'nix' && url !== undefined)
    await carryOut([...sign, '--store', url, storePath], SIGN_MS, to.name, ports)
}

/** The command that pushes to a kind of cache. Programs but Nix find their access where they keep it. */
export function pushCommand({ kind = 'nix', url = '', name = '' }: Cache, storePath: string): string[] {
  switch (kind) {
    case 'nix':
      return [...nixProgram, 'copy', '--to', url, storePath]
    case 'cachix':
      return ['cachix', 'push', name, storePath]
    case 'attic':
      return ['attic', 'push', name, storePath]
    case 'niks3':
      return ['niks3', 'push', storePath]
  }
}

async function carryOut(argv: string[], timeoutMs: number, name: string, ports: CachePorts): Promise<void> {
  const result = await ports.run(argv, { timeoutMs, signal: ports.signal, onStderrLine: ports.onLine })
  ports.signal.throwIfAborted()
  if (result.code === 0) return
  const program = argv
    .filter((word) => !word.startsWith('-'))
    .slice(0, 3)
    .join(' ')
  throw new BelayError(
    'push-failed',
    `cache ${name}: ${program} ended with ${result.code}:\n${endOfLog(result)}`,
    {
      ...{ found: result.code, wanted: 0, at: name }
    }
  )
}
