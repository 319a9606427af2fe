import type { ProfileName } from '../../shared/api/profile.ts'
import { releaseReserve } from '../../shared/durable-write.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { Host } from '../platform/platform.ts'
import { say } from './control.ts'
import type { Holds } from './hold.ts'
import type { OperationState } from './state.ts'
import type { Admission } from './store.ts'
import { admit, operationDirectory } from './store.ts'

/** What an admission needs. */
export interface AdmissionsOptions {
  readonly root: string
  readonly settings: Pick<Settings, 'stateDirectory'>
  readonly clock: Clock
  readonly host: Pick<Host, 'startRunner'>
  readonly holdsOf: (profile: ProfileName) => Holds
}

/** Lets operations in: durably, one after the other, each with a runner. */
export class Admissions {
  readonly #options: AdmissionsOptions
  /** One admission at a time in this process; across processes the runner's unit name decides. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: AdmissionsOptions) {
    this.#options = options
  }

  /** `wanted` is asked when those before have been let in, and throws what speaks against it. */
  submit(admission: Admission, wanted?: () => Promise<void>): Promise<OperationState> {
    const { root, host, holdsOf } = this.#options
    const next = this.#last.then(() => wanted?.()).then(() => this.#admit(admission))
    this.#last = next.catch(() => {})
    return next.then(async (state) => {
      const { id, kind, profile } = state.accepted
      if (isTerminal(state.phase)) return state
      if (kind === 'rollback') await holdsOf(profile).afterRollback(state.accepted)
      await host.startRunner(id).catch(async (error: unknown) => {
        // The caller hears that it failed: it must not happen later all the same. A rollback may.
        if (kind === 'activate')
          await say(operationDirectory(root, id), {
            word: 'cancel',
            principal: 'agent',
            reason: describeError(error)
          })
        throw error
      })
      return state
    })
  }

  /** On a full disk an emergency rollback takes the space that was set aside for it. */
  async #admit(admission: Admission): Promise<OperationState> {
    const { root, settings, clock } = this.#options
    const admitted = () => admit(root, admission, clock.now)
    return admitted().catch(async (error: unknown) => {
      if (
        codeOf(error) === 'no-space' &&
        admission.kind === 'rollback' &&
        (await releaseReserve(settings.stateDirectory))
      )
        return admitted()
      throw error
    })
  }
}
