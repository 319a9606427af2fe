import t from 'tap'
import { parseSettings } from '../../../agent/config/settings.ts'

t.test('a policy is all there, or it is refused', async (t) => {
  const policy = (approval: object) => () => parseSettings(JSON.stringify({ approval }), 'f')
  t.equal(policy({ required: 'irreversible', approvers: 2 })().approval.maxAgeSeconds, 604_800)
  for (const bad of [
    { required: 'sometimes' },
    { required: null },
    { approvers: 0 },
    { approvers: 1.5 },
    { signersFile: 'allowed_signers' },
    { revokedKeysFile: '' },
    { maxAgeSeconds: 1 },
    { revision: 'sometimes' },
    { maxAge: 60 }
  ])
    t.throws(policy(bad), { code: 'invalid-config', at: /^approval\./ }, JSON.stringify(bad))
})
