/** Why a generation stays. Closed. */
export const keepReasons = [
  'newest',
  'young',
  'profile',
  'running',
  'booted',
  'boot-default',
  'last-known-good',
  'operation'
] as const
export type KeepReason = (typeof keepReasons)[number]

/** What becomes of a generation, and why: it is deleted when nothing speaks for it. */
export interface Retained {
  readonly number: number
  readonly storePath: string
  readonly createdAt: string
  readonly keep: boolean
  readonly reasons: readonly KeepReason[]
}
