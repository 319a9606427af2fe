import t from 'tap'
import { contentLines } from '../../../../agent/platform/nix/closure-contents.ts'
import { planHash } from '../../../../shared/api/plan.ts'
import { plan } from '../../../shared/plans.ts'
import { path } from '../../security/keys.ts'

const paths = [path('a'), path('b')]

t.test('each path with its content, and nothing but an answer for each', async (t) => {
  t.equal(contentLines(paths, 'sha256:1a\nsha256:2b\n'), `${path('a')} sha256:1a\n${path('b')} sha256:2b\n`)
  for (const answer of ['', 'sha256:1a\n', 'sha256:1a\nsha256:2b\nsha256:3c\n', 'sha256:1a\nwarning: x\n'])
    t.throws(() => contentLines(paths, answer), { code: 'command-failed' }, JSON.stringify(answer))
})

t.test('mix-and-match: other contents under the same names are another plan', async (t) => {
  const of = (contents?: string) =>
    planHash({ ...plan({ from: path('a'), to: path('b') }), ...(contents === undefined ? {} : { contents }) })
  t.not(of('1'.repeat(64)), of('2'.repeat(64)))
  t.not(of('1'.repeat(64)), of(), 'nor is what an older agent made the same')
  t.equal(of(), plan({ from: path('a'), to: path('b') }).hash)
})
