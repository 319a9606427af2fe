/**
 * What must not be shown, wherever it stands. Source: platform facts §5.2; the makers' own descriptions of tokens.
 * Repetitions have bounds: a hostile file must not take quadratic time.
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----[\s\S]*?(?:-----END \1PRIVATE KEY-----|$(?![\s\S]))/g,
    'private key'
  ],
  [/-----BEGIN AGE ENCRYPTED FILE-----[\s\S]*?(?:-----END AGE ENCRYPTED FILE-----|$(?![\s\S]))/g, 'age file'],
  [/AGE-SECRET-KEY-1[0-9A-Z]+/gi, 'age key'],
  // Also one that does not end: whatever begins so is found once, and gone.
  [/ENC\[[A-Z0-9_]{1,20},data:[^\]\n]*\]?/g, 'sops value'],
  // A signing key of Nix: a name and 64 bytes in base 64.
  [/[A-Za-z0-9._-]{1,64}:[A-Za-z0-9+/]{86}==/g, 'Nix signing key'],
  [/\$(?:y|gy|7|6|5|2[abxy]?|1)\$[./A-Za-z0-9$=,]{12,}/g, 'password hash'],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,})/g, 'token'],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, 'access key'],
  [/\bxox[abeoprs]-[\w-]{10,}/g, 'token'],
  [/\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*/g, 'token'],
  [/(?<=:\/\/[^\s/:@]+:)[^\s/@]+(?=@)/g, 'password']
]

/** `password = x`, `"token": "x"`, `API_KEY=x`. Not a path: that names a secret and is none. */
const assignment =
  /((?:^|[^A-Za-z])(?:[A-Za-z0-9]{1,30}[_-]){0,5}(?:password|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key|psk)["']?[ \t]*[=:][ \t]*["']?)(?![/[\s])([^\s"']+)/gim

/** The text without secrets: each is replaced by what it is. */
export function redact(text: string): string {
  const known = patterns.reduce((rest, [pattern, what]) => rest.replace(pattern, `[redacted: ${what}]`), text)
  return known.replace(assignment, '$1[redacted]')
}

/** Places whose contents are secrets: never read. Source: platform facts §5.2. */
const secretPlaces = [
  /^\/run\/secrets/,
  /^\/run\/(keys|user-secrets|partitioning-secrets)(\/|$)/,
  /^\/run\/agenix/,
  /^\/var\/lib\/sops-nix(\/|$)/,
  /^\/etc\/secret-vars(\/|$)/,
  /^\/etc\/ssh\/ssh_host_[^/]*_key$/,
  /^\/etc\/g?shadow-?$/
]

/** True for a path that must not be read. */
export const isSecretPlace = (path: string): boolean => secretPlaces.some((place) => place.test(path))
