import { runCommand } from '../../shared/command.ts'
import type { Finding } from './check.ts'
import { byStrictness, check, pass, unknown } from './check.ts'

/** The clock is right: windows, approvals and whoever reads the journals hang on it. */
export const clock = check({
  name: 'clock',
  look: async (_, signal) => {
    const ask = ['timedatectl', 'show', '--property=NTPSynchronized', '--value']
    const { code, stdout, stderr } = await runCommand(ask, { timeoutMs: 8000, signal })
    return { code, said: (code === 0 ? stdout : stderr).trim() }
  },
  judge: ({ code, said }, { settings }) =>
    judgeClock(code === 0 ? said : null, said, settings.preflight.clock)
})

export function judgeClock(answer: string | null, said: string, strictness: 'warn' | 'fail'): Finding {
  if (answer === 'yes') return pass('synchronised')
  if (answer !== 'no') return unknown(`timedatectl does not tell: ${said}`)
  const remedy = 'start a time service (timedatectl set-ntp true) and let it reach its servers'
  return byStrictness(strictness, 'clock-not-synchronised', 'the clock is not synchronised', remedy)
}
