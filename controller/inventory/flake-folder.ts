import { normalize } from 'node:path'

/**
 * The folder of this machine that a resolved flake is, also where it is written as `path:/folder` or `git+file:///folder`; null
 * for any other, such as one of a branch (`?ref=`) or below a folder (`?dir=`).
 */
export function flakeFolder(flake: string): string | null {
  const [path = ''] = /^(?:path:(?:\/\/(?=\/))?|git\+file:\/\/)?(\/[^?#%]*)$/.exec(flake)?.slice(1) ?? []
  return path === '' ? null : normalize(path)
}
