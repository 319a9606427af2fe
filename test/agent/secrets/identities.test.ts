import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { identitiesOf } from '../../../agent/secrets/identities.ts'
import { mustRun, runCommand } from '../../../shared/command.ts'
import { recipientOfSshKey } from '../../../shared/secrets/age.ts'

const options = { timeoutMs: 10_000 }
const noTools = ['/usr/bin/age-keygen', '/usr/bin/ssh-keygen'].every(existsSync)
  ? false
  : 'age-keygen and ssh-keygen are not installed: run `npm run setup`'
const exists = async (path: string) => existsSync(path)

t.test('recipients of the keys of a host, told by the real tools', { skip: noTools }, async (t) => {
  const directory = t.testdir()
  const [ssh, rsa, age] = ['ssh', 'rsa', 'age'].map((name) => join(directory, name)) as [
    string,
    string,
    string
  ]
  await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', ssh], options)
  await mustRun(['ssh-keygen', '-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', rsa], options)
  await mustRun(['age-keygen', '-o', age], options)
  const publicHalf = (await mustRun(['age-keygen', '-y', age], options)).stdout.trim()
  const wanted = { ageKeyFile: age, ageSshKeyPaths: [ssh, rsa, '/nowhere/key'] }
  const found = await identitiesOf(wanted, runCommand, exists)
  const line = (await mustRun(['ssh-keygen', '-y', '-f', ssh], options)).stdout
  t.same(found, {
    own: [
      { recipient: recipientOfSshKey(line), from: ssh },
      { recipient: publicHalf, from: age }
    ],
    missing: ['/nowhere/key'],
    untold: [rsa]
  })
  t.notMatch(JSON.stringify(found), /SECRET|PRIVATE/)
})

t.test('a tool that is missing leaves the key untold', async (t) => {
  const run = async () => ({ code: null, stdout: '', stderr: '', timedOut: false })
  const found = await identitiesOf({ ageKeyFile: '/k', ageSshKeyPaths: [] }, run, async () => true)
  t.same(found, { own: [], missing: [], untold: ['/k (age-keygen did not run)'] })
})
