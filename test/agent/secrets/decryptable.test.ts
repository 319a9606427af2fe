import t from 'tap'
import { judgeBaseline, judgeSecrets } from '../../../agent/preflight/secrets.ts'
import type { Needed } from '../../../agent/secrets/decryptable.ts'
import { decryptable } from '../../../agent/secrets/decryptable.ts'
import type { SopsFile } from '../../../shared/secrets/sops.ts'
import { recipient } from '../../shared/secrets/sops-files.ts'

const [ours, theirs] = [recipient(1), recipient(2)]
const sops = (more: Partial<SopsFile>): SopsFile => ({
  ...{ groups: [[ours]], threshold: 1, others: [], mac: true, plain: [] },
  ...more
})
const path = '/nix/store/00000000000000000000000000000000-source/secrets/db.yaml'
const needed = (file: SopsFile | null, identities: Partial<Needed['identities']> = {}): Needed => ({
  files: [{ path, secrets: ['db', 'web', 'mail'], sops: file }],
  templates: 0,
  identities: { own: [{ recipient: ours, from: '/etc/ssh/key' }], missing: [], untold: [], ...identities }
})
const judge = (...all: Needed[]) => judgeSecrets(decryptable(all))

t.test('every file must be for a key of this host', async (t) => {
  t.match(judge(), { result: 'pass', evidence: /no secrets/ })
  t.match(judge(needed(sops({}))), { result: 'pass', evidence: '3 secrets in 1 files, all for this host' })
  const rendered = judge({ ...needed(sops({})), templates: 2 })
  t.match(rendered, { result: 'pass', evidence: /host; 2 templates are rendered with them$/ })
  const refused = judge(needed(sops({ groups: [[theirs]] })))
  t.match(refused, { result: 'fail', code: 'secret-undecryptable', remedy: /updatekeys/ })
  t.match(refused.evidence, /^db, web and 1 more in source\/secrets\/db.yaml is for age1/)
  t.ok(refused.evidence.includes(`${ours} (/etc/ssh/key)`), 'with the key that the host has, in full')
  t.ok(refused.evidence.length < 300)
})

t.test('a key that is gone is no key', async (t) => {
  const gone = judge(needed(sops({}), { own: [], missing: ['/etc/ssh/key'] }))
  t.match(gone, { result: 'fail', evidence: /this host has no \/etc\/ssh\/key/ })
})

t.test('what nobody can tell is unknown', async (t) => {
  t.match(judge(needed(null)), { result: 'unknown', evidence: /no file of sops/ })
  t.match(judge(needed(sops({ groups: [[]], others: ['pgp'] }))), { result: 'unknown', evidence: /pgp/ })
  const untold = judge(needed(sops({}), { own: [], untold: ['/key.txt'] }))
  t.match(untold, { result: 'unknown', evidence: /public half of \/key.txt/ })
  t.equal(judge(needed(null), needed(sops({ groups: [[theirs]] }))).result, 'fail', 'a failure comes first')
})

t.test('the running system: rollback would fail', async (t) => {
  const found = decryptable([needed(sops({ groups: [[theirs]] }))])
  t.match(judgeBaseline(found, 'fail'), {
    result: 'fail',
    code: 'baseline-secret-undecryptable',
    evidence: /^rollback would fail: db/
  })
  t.match(judgeBaseline(found, 'warn'), { result: 'warn', evidence: /^rollback would fail/ })
  t.equal(judgeBaseline(decryptable([needed(sops({}))]), 'fail').result, 'pass')
})
