/** Everything that the scan tells apart. */
export const leakKinds = [
  'age-key',
  'private-key',
  'nix-signing-key',
  'password-hash',
  'unencrypted-sops',
  'token'
] as const
export type LeakKind = (typeof leakKinds)[number]
