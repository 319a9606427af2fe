/** A store path in short. */
export const short = (path: string | null) =>
  path === null ? '-' : path.replace('/nix/store/', '').replace(/^(.{8}).{24}/, '$1…')
