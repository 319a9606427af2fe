import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { VarsPolicy } from '../../../controller/inventory/pipeline-schema.ts'
import { uploader } from '../../../controller/secrets/upload.ts'
import { runCommand } from '../../../shared/command.ts'
import { recipient, sopsFile } from '../../shared/secrets/sops-files.ts'
import { fleetHost } from '../fakes/fleet-host.ts'

const [own, other] = [recipient(1), recipient(2)]

/** A repository with a secret of cinnabar; a program that stands in for the upload, and writes down how it was called. */
function repository(script: string, recipients = [own]) {
  const key = (text: string) => ({ 'key.json': JSON.stringify({ publickey: text, type: 'age' }) })
  const directory = t.testdir({
    sops: { machines: { cinnabar: key(own), galena: key(other) } },
    vars: { 'per-machine': { cinnabar: { db: { password: { secret: sopsFile('binary', recipients) } } } } },
    bin: {}
  })
  const named = join(directory, 'vars/per-machine/cinnabar/db/password/machines')
  mkdirSync(named)
  symlinkSync('../../../../../../sops/machines/cinnabar', join(named, 'cinnabar'))
  const program = join(directory, 'bin/upload')
  mkdirSync(join(directory, 'bin'), { recursive: true })
  writeFileSync(program, `#!/bin/sh\necho "$@" >> calls\n${script}\n`)
  chmodSync(program, 0o755)
  const lines: string[] = []
  const of = (more: Partial<VarsPolicy> = {}) =>
    uploader(
      { upload: true, command: [program, 'to', '{host}'], ...more },
      { flake: directory, known: ['cinnabar', 'galena'] },
      {
        run: runCommand,
        signal: new AbortController().signal,
        onLine: (host, line) => lines.push(`${host}: ${line}`)
      }
    )
  const file = join(directory, 'calls')
  const calls = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])
  return { of, calls, lines }
}

t.test('one host after the other, and only where the policy says so', async (t) => {
  const { of, calls, lines } = repository('echo begins $2 >&2; sleep 0.1; echo done $2 >> calls')
  const upload = of()
  await Promise.all([upload(fleetHost()), upload(fleetHost('galena'))])
  t.same(calls(), ['to cinnabar', 'done cinnabar', 'to galena', 'done galena'])
  t.ok(lines.includes('cinnabar: begins cinnabar'))
  await of({ select: { roles: ['web'] } })(fleetHost())
  await of({ upload: false })(fleetHost())
  t.equal(calls().length, 4)
})

t.test('a question finds no terminal and an ended input', async (t) => {
  const asks = 'if read -r answer; then exit 0; fi; if read -r answer < /dev/tty; then exit 0; fi; exit 3'
  const { of, calls } = repository(asks)
  await t.rejects(of()(fleetHost()), {
    code: 'vars-failed',
    message: /ended with 3; it may have wanted to ask/
  })
  t.same(calls(), ['to cinnabar'])
})

t.test('a time limit, with all that it has started', async (t) => {
  const { of, lines } = repository('sleep 1000 & echo $! >&2; wait')
  await t.rejects(of({ timeout: '1s' })(fleetHost()), {
    code: 'vars-failed',
    message: /did not end within 1s/
  })
  const pid = Number(lines[0]?.split(': ')[1])
  t.ok(pid > 1)
  const stat = `/proc/${pid}/stat`
  // Whoever takes in orphans here may not have buried it yet.
  t.ok(!existsSync(stat) || readFileSync(stat, 'utf8').includes(') Z '), 'it does not run')
})

t.test(
  'nothing is uploaded from a tree that is wrong for the host; a failure keeps nobody else back',
  async (t) => {
    const { of, calls } = repository('', [other])
    const upload = of()
    const [first, second] = await Promise.allSettled([upload(fleetHost()), upload(fleetHost('galena'))])
    t.match(first, { status: 'rejected', reason: { code: 'secrets-wrong', message: /no recipient/ } })
    t.match(second, { status: 'fulfilled' })
    t.same(calls(), ['to galena'])
  }
)
