/** Why a certificate no longer counts, with its number in X.509. */
export const revocationReasons = {
  unspecified: 0,
  'key-compromise': 1,
  superseded: 4,
  'no-longer-needed': 5
} as const
export type RevocationReason = keyof typeof revocationReasons
