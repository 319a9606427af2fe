import { ACTIVATION_UNIT, activationCommand } from './transient-unit.ts'
import { unitActivation } from './unit-activation.ts'

interface Action {
  readonly toplevel: string
  readonly action: 'test' | 'boot'
  readonly unchecked: boolean
}

/** Runs actions of toplevels for one operation in the activation unit. */
export function activation(of: {
  readonly id: string
  readonly directory: string
  readonly limitSeconds: number
}) {
  const { id, directory, limitSeconds } = of
  const { start, finish, carryOut } = unitActivation<Action>({
    unit: `${ACTIVATION_UNIT}.service`,
    directory,
    limitSeconds,
    // 4 is a failed unit somewhere.
    good: ['0', '4'],
    command: (what, files) => activationCommand({ ...what, ...files, operation: id, limitSeconds }),
    describe: ({ toplevel, action }) => `${toplevel} ${action}`
  })
  return {
    start: (toplevel: string, action: 'test' | 'boot', unchecked = false) =>
      start({ toplevel, action, unchecked }),
    finish,
    carryOut: (toplevel: string, action: 'test' | 'boot', unchecked = false) =>
      carryOut({ toplevel, action, unchecked })
  }
}
