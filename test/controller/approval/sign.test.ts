import { spawn } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { chooseKey } from '../../../controller/approval/key.ts'
import { withKey } from '../../../controller/approval/sign.ts'
import { runCommand } from '../../../shared/command.ts'
import { keyRing } from '../../agent/security/keys.ts'
import { fakeRun } from '../fakes/run.ts'

const text = 'something to sign\n'

/** A directory with a key and a file that trusts it. */
function ringOf(t: Test) {
  const dir = mkdtempSync(join(tmpdir(), 'belay-ring-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const ring = keyRing(dir)
  const trust = async (name: string, signature: string) => {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(ring.file('signature'), signature)
    writeFileSync(ring.file('signers'), `alice ${ring.publicKey(name)}\n`)
    return ring.verify('alice', 'signers', 'signature', text)
  }
  return { dir, ring, trust }
}

/** A real ssh-agent that holds one key, whose file is gone. */
async function agentWith(t: Test, dir: string, key: string): Promise<void> {
  const socket = join(dir, 'agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  const before = process.env.SSH_AUTH_SOCK
  process.env.SSH_AUTH_SOCK = socket
  t.teardown(() => {
    agent.kill()
    if (before === undefined) delete process.env.SSH_AUTH_SOCK
    else process.env.SSH_AUTH_SOCK = before
  })
  for (let tries = 0; (await runCommand(['ssh-add', '-q', key], { timeoutMs: 5000 })).code !== 0; tries++) {
    if (tries > 100) throw new Error('the ssh-agent does not come up')
    await new Promise((done) => setTimeout(done, 20))
  }
  rmSync(key)
}

t.test('a key in a file signs', async (t) => {
  const { ring, trust } = ringOf(t)
  ring.make('alice')
  const key = await chooseKey(ring.file('alice'), '/nowhere', runCommand)
  const signature = await withKey(key, runCommand, (fingerprint, sign) => {
    t.match(fingerprint, /^256 SHA256:\S+ .*\(ED25519\)$/)
    return sign(text)
  })
  t.match(await trust('alice', signature), /^Good "belay-approval@belay" signature for alice/)
})

t.test('a key that the ssh-agent holds signs, named by its public part or by nothing', async (t) => {
  const { dir, ring, trust } = ringOf(t)
  ring.make('alice')
  await agentWith(t, dir, ring.file('alice'))
  for (const named of [ring.file('alice.pub'), null]) {
    const key = await chooseKey(named, '/nowhere', runCommand)
    const signature = await withKey(key, runCommand, (_, sign) => sign(text))
    t.match(await trust('alice', signature), /^Good/, named ?? 'none named')
  }
})

t.test('without an agent it is a key in ~/.ssh; without that there is none', async (t) => {
  const { run } = fakeRun({ code: 2 })
  const home = t.testdir({ '.ssh': { id_rsa: '', id_ed25519: '' } })
  t.same(await chooseKey(null, home, run), { file: join(home, '.ssh/id_ed25519') })
  await t.rejects(chooseKey(null, '/nowhere', run), { code: 'invalid-request', at: '--key' })
  await t.rejects(chooseKey('/nowhere/key', home, run), { code: 'invalid-request', found: '/nowhere/key' })
  const held = fakeRun({ stdout: 'The agent has no identities.\n' })
  t.same(await chooseKey(null, home, held.run), { file: join(home, '.ssh/id_ed25519') })
})

t.test('what does not sign is an error, and leaves nothing behind', async (t) => {
  const { ring } = ringOf(t)
  ring.make('alice')
  renameSync(ring.file('alice'), ring.file('elsewhere'))
  const quiet = { ...process.env }
  delete process.env.SSH_AUTH_SOCK
  t.teardown(() => Object.assign(process.env, quiet))
  const sign = withKey({ file: ring.file('alice.pub') }, runCommand, (_, with_) => with_(text))
  await t.rejects(sign, { code: 'command-failed' })
  const slow = fakeRun({ timedOut: true })
  await t.rejects(
    withKey({ file: 'x' }, slow.run, (_, with_) => with_(text)),
    { code: 'command-timeout' }
  )
})

t.test('a passphrase is asked for on the terminal', async (t) => {
  const { dir, ring, trust } = ringOf(t)
  ring.keygen('-q', '-t', 'ed25519', '-N', 'a secret', '-C', '', '-f', 'alice')
  const root = resolve(import.meta.dirname, '../../..')
  const program = `
    import { writeFileSync } from 'node:fs'
    import { withKey } from '${root}/controller/approval/sign.ts'
    import { runCommand } from '${root}/shared/command.ts'
    const key = { file: '${ring.file('alice')}' }
    writeFileSync('${dir}/signed', await withKey(key, runCommand, (_, sign) => sign(${JSON.stringify(text)})))`
  const { writeFileSync, readFileSync } = await import('node:fs')
  writeFileSync(join(dir, 'program.ts'), program)
  const script = ['-qec', `'${process.execPath}' '${dir}/program.ts'`, '/dev/null']
  const child = spawn('script', script, { env: { PATH: process.env.PATH, TERM: 'dumb' } })
  let said = ''
  let answered = false
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk
    if (answered || !/Enter passphrase/.test(said)) return
    answered = true
    child.stdin.write('a secret\n')
  })
  const code = await new Promise((done) => child.on('exit', done))
  t.equal(code, 0, said)
  t.ok(answered, 'it asked')
  t.match(await trust('alice', readFileSync(join(dir, 'signed'), 'utf8')), /^Good/)
})
