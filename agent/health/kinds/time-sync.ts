import type { Finding } from './kind.ts'
import { defineKind, fail, pass, unknown, yesOrNo } from './kind.ts'

/** Whether the kernel takes the clock for synchronised, whatever program does it. */
export const timeSyncKind = defineKind({
  options: {},
  gives: yesOrNo,
  begin: () => async (world) => {
    const { code, stdout, stderr } = await world.run([
      'timedatectl',
      'show',
      '--property=NTPSynchronized',
      '--value'
    ])
    return code === 0 ? judgeSync(stdout) : unknown(`timedatectl: ${stderr.trim().slice(0, 200)}`)
  }
})

/** From what timedatectl says. */
export function judgeSync(text: string): Finding {
  const said = text.trim()
  if (said === 'yes') return pass('the clock is synchronised')
  return said === 'no' ? fail('the clock is not synchronised') : unknown('timedatectl does not say')
}
