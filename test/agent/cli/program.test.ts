import t from 'tap'
import { printError } from '../../../agent/cli/commands.ts'
import { runAgentCli } from '../../../agent/cli/program.ts'
import { BelayError } from '../../../shared/errors.ts'

/** A terminal, and what was written on it. */
function paper() {
  const said = { out: '', err: '' }
  const write = (where: 'out' | 'err') => (text: string) => {
    said[where] += text
  }
  return { said, terminal: { out: write('out'), err: write('err') } }
}

t.test('a wrong command line ends with 2, with --json in JSON', async (t) => {
  const { said, terminal } = paper()
  t.equal(await runAgentCli(['status', '--bogus'], terminal), 2)
  t.match(said, { out: '', err: "error: unknown option '--bogus'\n" })
  const other = paper()
  t.equal(await runAgentCli(['--json', 'status', '--bogus'], other.terminal), 2)
  t.match(JSON.parse(other.said.out), {
    error: { code: 'invalid-request', message: "unknown option '--bogus'" }
  })
  t.equal(other.said.err, '')
})

t.test('an error writes no letter of its own on the terminal', async (t) => {
  const { said, terminal } = paper()
  printError(new BelayError('held', 'by \u001b[2Jme\u0007\nuntil noon'), false, terminal)
  t.equal(said.err, 'error: by me \n  until noon (held)\n')
})
