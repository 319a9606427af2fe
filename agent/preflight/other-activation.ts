import { SWITCH_UNIT, whoSwitches } from '../platform/nixos/switching.ts'
import type { Finding } from './check.ts'
import { check, fail, pass } from './check.ts'

/** Nobody else switches this host, by us or by hand. */
export const otherActivation = check({
  name: 'other-activation',
  look: async ({ unfinished }) => ({ operation: unfinished, switcher: await whoSwitches() }),
  judge: judgeOthers
})

export function judgeOthers({
  operation,
  switcher
}: {
  readonly operation: string | null
  readonly switcher: Awaited<ReturnType<typeof whoSwitches>>
}): Finding {
  const remedy = 'wait until it has ended'
  if (operation !== null)
    return fail('operation-running', `operation ${operation} has not ended`, `${remedy}: belay-agent status`)
  if (switcher === null) return pass('nobody switches this host')
  const [does, by] =
    switcher === SWITCH_UNIT ? ['runs', `systemctl status ${switcher}`] : ['is held', 'lslocks tells by whom']
  const text = `somebody else is switching this host: ${switcher} ${does}`
  return fail('operation-running', text, `${remedy}: ${by}`)
}
