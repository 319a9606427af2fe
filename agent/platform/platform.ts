import type { Plan, PreviewRequest } from '../../shared/api/plan.ts'
import type { PreflightCheck } from '../../shared/api/preflight.ts'
import type { ProfileName } from '../../shared/api/profile.ts'
import type { ActivationMode, Generation, GenerationRef } from '../../shared/api/schemas.ts'
import type { Settings } from '../config/settings.ts'
import type { Measures } from '../health/begin.ts'
import type { Witness } from '../health/soak/witness.ts'
import type { Journal } from '../journal/journal.ts'
import type { NetworkProgram } from '../network/half.ts'
import type { Observed } from '../operation/drift.ts'
import type { Event } from '../operation/events.ts'
import type { Ports } from '../operation/ports.ts'
import type { Way } from '../rescue/way.ts'
import type { Shelf } from '../retention/shelf.ts'
import type { Preview } from '../security/approvals.ts'

/** How deep a preview looks. */
export type PreviewOptions = Pick<PreviewRequest, 'files' | 'dryActivate'>

/** For what a generation is looked at. */
export interface PreflightOptions {
  readonly mode: ActivationMode
  /** An operation that has not ended. */
  readonly unfinished: string | null
}

/** What a platform must provide of a profile: the system's, or a home. */
export interface ProfileHost {
  /** What is chosen, what runs, what booted, what boots next. */
  observe(): Promise<Observed>
  /** The same in no time, where looking may take some: what was seen a moment ago, or that it is not known. */
  glance?(): Promise<Observed>
  /** Generations of the profile, oldest first. */
  generations(): Promise<readonly Generation[]>
  /** The running generation. */
  running(): Promise<string | null>
  /** Whether a generation is in the store, so that it can be switched to. */
  isComplete(storePath: string): Promise<boolean>
  /** A generation by number that can be switched to; throws `generation-unknown` or `path-not-valid`. */
  generation(number: number): Promise<GenerationRef>
  /** Throws, with its own code, for what is not a generation of this host. */
  assertCandidate(storePath: string): Promise<void>
  /** What an activation would change; changes nothing. Refuses as `assertCandidate` does. */
  preview(storePath: string, options: PreviewOptions): Promise<Plan>
  /** Whether a generation could be activated now; changes nothing. */
  preflight(storePath: string, options: PreflightOptions): Promise<readonly PreflightCheck[]>
}

/** The homes of users that are looked after. */
export interface Homes {
  readonly users: readonly string[]
  of(user: string): ProfileHost
}

/** What a platform must provide to the part that listens and admits: of the system's profile, and of the host. */
export interface Host extends ProfileHost {
  /** Kind of system. */
  readonly platform: 'nixos' | 'darwin'
  /** Fetches a system with its closure from the configured substituters; throws what hinders it. */
  fetch(storePath: string): Promise<void>
  /** Keeps a system from the garbage collector; whether it is in the store with all its closure. */
  keep(storePath: string): Promise<boolean>
  /** Gives a system that was kept up to the garbage collector. */
  release(): Promise<void>
  /** Nix system, such as `x86_64-linux`. */
  system(): Promise<string>
  /** Homes, on a platform that knows any. */
  readonly homes?: Homes
  /** Starts the runner of an operation; one that runs for it already is left alone. */
  startRunner(id: string): Promise<void>
  /** Output lines of an operation's activation, those there are and those to come, until the signal. */
  follow(id: string, line: (text: string) => void, signal: AbortSignal): Promise<void>
  /** All output lines so far. */
  output(id: string): Promise<readonly string[]>
}

/** What the ports of one operation need to know. */
export interface PortsOptions {
  readonly id: string
  readonly directory: string
  readonly settings: Settings
  readonly journal: Journal<Event>
  readonly bootId: string
  readonly preview: Preview
  /** Tells the service manager's journal. */
  readonly warn: (text: string) => Promise<void>
}

/** What the host tells of operations besides their journals; null where it cannot tell. */
export interface AuditWitness {
  /** Who tells, in words. */
  readonly source: string
  /** The operation that the runner of a profile works on; an empty text while there is no runner. */
  readonly runner: (profile: ProfileName) => Promise<string | null>
  /** Those of the operations asked about of which the host's log knows an activation. */
  readonly activated: (asked: (id: string) => boolean) => Promise<readonly string[]>
}

/** All that differs between platforms. `choose.ts` is the one place that knows which one this is. */
export interface Platform {
  /** Identity of this boot: another one after every reboot, the same while the host is up or asleep. */
  bootId(): Promise<string>
  /** The host as the listening half sees it. `config` is the file that the runner is to read as well. */
  host(settings: Settings, config: string | null): Host
  /** The effects of one operation. */
  ports(options: PortsOptions): Promise<Ports>
  /** What the soak ledger asks of the host. */
  witness(bootId: string): Promise<Witness>
  /** What an audit asks of the host. */
  audit(): Promise<AuditWitness>
  /** How the network half is started: that of the daemon, or of one operation. */
  network(settings: Settings, operation: string | null): NetworkProgram
  /** Checks that are measured in a way of its own. */
  readonly measures: Measures
  /** Whether this agent is stopped because the whole host stops. */
  goesDown(): Promise<boolean | 'unknown'>
  /** When the login session around this process began, in CLOCK_MONOTONIC milliseconds; null where there is none. */
  sessionStart(): Promise<number | null>
  /** Starts a retention in a job of its own. */
  startRetention(config: string | null): Promise<void>
  /** How this host is brought back when nothing else works. */
  rescue(): Promise<Way>
  /** What deleting generations asks of this host. */
  retention(): Promise<Shelf>
}
