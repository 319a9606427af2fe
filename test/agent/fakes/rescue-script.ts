import { chmod, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScriptOptions } from '../../../agent/rescue/script.ts'
import { rescueScript } from '../../../agent/rescue/script.ts'
import { runCommand } from '../../../shared/command.ts'

/** What a script is run with, on any platform. */
export interface Run {
  /** Default `sh`; bash is NixOS's own. */
  readonly shell?: readonly string[]
  readonly options?: (dir: string) => Partial<ScriptOptions>
}

/** A host in a directory: generation 41, `good`, is the way back; 42, `bad`, is chosen. Root is who runs the script. */
export async function scriptHost(dir: string, folders: readonly string[]) {
  const at = (...names: string[]) => join(dir, ...names)
  const program = async (path: string, body: string) => {
    await writeFile(path, `#!/bin/sh\n${body}\n`)
    await chmod(path, 0o755)
  }
  for (const each of ['tools', 'run', 'profiles', 'op', ...folders])
    await mkdir(at(each), { recursive: true })
  await symlink(at('good'), at('profiles/system-41-link'))
  await symlink(at('bad'), at('profiles/system-42-link'))
  await symlink('system-42-link', at('profiles/system'))
  await program(at('tools/id'), 'echo 0')
  return { at, program }
}

/** Writes the script of a host, and gives what runs it and what became of the host. */
export async function scriptOf(
  at: (...names: string[]) => string,
  own: Pick<ScriptOptions, 'hostName' | 'left'>,
  script: string,
  { shell = ['sh'], options }: Run
) {
  const made: ScriptOptions = {
    ...own,
    writtenAt: '2026-01-01T00:00:00.000Z',
    path: at('rescue.sh'),
    profile: at('profiles/system'),
    targets: [{ number: 41, storePath: at('good') }],
    chosen: at('good'),
    operation: { directory: at('op'), setAside: at('op.set-aside'), turns: true },
    limitSeconds: 20,
    run: at('run'),
    ...options?.(at())
  }
  await writeFile(at('rescue.sh'), rescueScript(made, { script }))
  return {
    at,
    run: async (...args: string[]) => {
      const env = { PATH: `${at('tools')}:${process.env.PATH}` }
      const argv = [...shell, at('rescue.sh'), ...args]
      const { code, stdout } = await runCommand(argv, { timeoutMs: 30_000, env })
      return { code, said: stdout }
    },
    log: () => readFile(at('log'), 'utf8'),
    profile: () => readlink(at('profiles/system')),
    operation: async () => (await readdir(at())).filter((name) => name.startsWith('op')),
    word: (name: string) =>
      readFile(at('op', `${name}.json`), 'utf8').then(
        (text) => JSON.parse(text) as unknown,
        () => null
      )
  }
}
