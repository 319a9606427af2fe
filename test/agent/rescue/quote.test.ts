import t from 'tap'
import { runCommand } from '../../../shared/command.ts'

t.test('quoted for a shell', async (t) => {
  const { quoted } = await import('../../../agent/rescue/quote.ts')
  const words = ['echo', 'a b', "it's", '$x', '*', '', 'plain/1.2_@%+=:,-']
  const { stdout } = await runCommand(['sh', '-c', `printf '%s\\n' ${quoted(words)}`], { timeoutMs: 5000 })
  t.same(stdout.split('\n'), words)
})
