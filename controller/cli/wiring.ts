import type { ErrorCode } from '../../shared/errors.ts'
import type { Run } from '../build/run.ts'
import type { Clock } from '../deploy/clock.ts'
import type { ScanClosure } from '../leaks/scan-closure.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import type { Paint } from './views/text.ts'

/** All that commands need from outside; `main.ts` gives the real ones, tests give fakes. */
export interface Wiring {
  readonly run: Run
  readonly openTunnel: OpenTunnel
  readonly clock: Clock
  readonly newKey: () => string
  /** Looks for secrets in a closure of this machine. */
  readonly scan: ScanClosure
  /** Aborted when the operator interrupts. */
  readonly signal: AbortSignal
}

/** The terminal, or what stands in its place. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly isTty: boolean
  readonly paint: Paint
  readonly columns: () => number
  readonly rows: () => number
}

/** Exit codes. Part of the interface. */
export const exitCodes = {
  /** Every host is as asked. */
  ok: 0,
  /** At least one host is not, or something failed. */
  failed: 1,
  /** The command line or the fleet file is wrong; nothing was done. */
  usage: 2,
  /** The verdict is CONDITIONAL GO. */
  conditional: 3,
  /** The verdict is INSUFFICIENT EVIDENCE, or there was no evidence to be had. */
  insufficient: 4,
  /** A rollout has not ended: it waits for time, for hosts or for a person. */
  waiting: 5,
  /** Interrupted; hosts with an operation go on by themselves. */
  interrupted: 130
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Options of every command. */
export interface GlobalOptions {
  readonly fleet: string
  readonly json?: boolean
}

/** Errors of the one who typed, and of that person's files, not of a host: exit code 2. */
export const usageErrors: readonly ErrorCode[] = [
  'invalid-fleet-file',
  'invalid-request',
  'invalid-store-path',
  'invalid-inventory',
  'invalid-rollout',
  'invalid-decisions',
  'rollout-unknown',
  'rollout-active',
  'rollout-ended',
  'invalid-config',
  'token-unknown',
  'authority-missing',
  'certificate-unknown'
]
