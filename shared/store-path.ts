import { BelayError } from './errors.ts'

/**
 * A top-level store path: 32 characters of Nix's base 32 (no e, o, t, u), a dash, a name of up to 211 characters
 * that does not begin with a dot or a dash. Source: Nix manual, "Store path"; platform facts.
 */
const STORE_PATH = /^\/nix\/store\/[0-9a-df-np-sv-z]{32}-[A-Za-z0-9+_?=][A-Za-z0-9+._?=-]{0,210}$/

/** The pattern as text, for JSON schemas. */
export const storePathPattern = STORE_PATH.source

/** Returns the path unchanged when it is a top-level store path; throws `invalid-store-path` otherwise. */
export function parseStorePath(text: string): string {
  if (STORE_PATH.test(text)) return text
  throw new BelayError('invalid-store-path', `not a store path: ${JSON.stringify(text.slice(0, 300))}`, {
    found: text.slice(0, 300),
    wanted: '/nix/store/<32 characters of base 32>-<name>'
  })
}
