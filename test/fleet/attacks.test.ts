import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Preflight } from '../../shared/api/preflight.ts'
import { activate, agent, approvalWorld, handIn, refused, SIGNERS } from './approvals.ts'
import { truthOf } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const shell = (host: Host, script: string) => host.must(['sh', '-c', script])

/** What a socket answers to a body as it is, to the byte. */
async function ask(host: Host, role: string, method: string, path: string, body: string) {
  const curl = ['curl', '-s', '--unix-socket', `/run/belay/${role}.sock`, '-X', method, '--data-binary', '@-']
  const out = ['-H', 'content-type: application/json', '-w', '\n%{http_code}', `http://x${path}`]
  const { stdout } = await host.run([...curl, ...out], { input: body })
  const [text = '', status = ''] = stdout.split(/\n(?=\d+$)/)
  return {
    status: Number(status),
    ...(JSON.parse(text || '{}') as { code?: string; is?: string; id?: string })
  }
}

const intents = { approval: { required: 'always', revision: 'required', signersFile: SIGNERS } }

/** Lets the agent, and the runners that it starts, read these settings. */
async function configure(host: Host, settings: object): Promise<void> {
  writeFileSync(join(host.root, 'root/agent.json'), JSON.stringify(settings), { mode: 0o644 })
  const dropIn = '/run/systemd/system/belay-agent.service.d'
  const text = '[Service]\\nEnvironment=BELAY_CONFIG=/root/agent.json\\n'
  await shell(
    host,
    `mkdir -p ${dropIn}; printf '${text}' > ${dropIn}/c.conf; systemctl daemon-reload; systemctl restart belay-agent`
  )
}

t.test('attacks on a real host', { skip: fleetUnavailable() ?? false, timeout: 600_000 }, async (t) => {
  const { fleet, sign, next } = await approvalWorld(t, ['cinnabar'])
  await using _: Fleet = fleet
  const host = fleet.host('cinnabar')
  await configure(host, intents)
  const operations = () => shell(host, 'ls /var/lib/belay/operations | grep -c Z- || true')
  const give = async (path: string, revision: number, by = 'alice') =>
    handIn(host, await sign(host, by, path, { revision }))

  await t.test('another user of the host reaches no socket, and puts no file or link anywhere', async (t) => {
    const nobody = (script: string) =>
      host.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c', script])
    for (const role of ['observe', 'propose', 'operate', 'admin']) {
      const { code, stdout } = await nobody(`curl -s --unix-socket /run/belay/${role}.sock http://x/livez`)
      t.match({ code, stdout }, { code: 7, stdout: '' }, role)
    }
    for (const script of [
      'ls /var/lib/belay',
      'ln -s /etc/shadow /run/belay/x.sock',
      'mv /run/belay/observe.sock /run/belay/y.sock',
      'ln -s /etc/shadow /var/lib/belay/hold.json',
      'rm /run/belay/observe.sock'
    ])
      t.not((await nobody(script)).code, 0, script)
    t.match(await nobody('belay-agent status'), { code: 1, stderr: /permission-denied/ })
  })

  await t.test('what is no store path to the byte is refused everywhere, and begins nothing', async (t) => {
    const path = await next(host, 'hostile')
    const was = await operations()
    const confirm = { by: 'health', windowSeconds: 60 }
    for (const bad of [
      `${path}/../../etc`,
      `${path}\n--option x`,
      `${path}\u0000`,
      '--foo',
      '-rf',
      `${path} --option substituters http://x`,
      `/nix/store/../..${path}`,
      `${path}$(touch /root/pwned)`,
      '/nix/store/00000000000000000000000000000000---foo/bin'
    ]) {
      const answers = [
        await ask(host, 'operate', 'POST', '/v1/operations', JSON.stringify({ storePath: bad, confirm })),
        await ask(
          host,
          'operate',
          'PUT',
          '/v1/desired',
          JSON.stringify({ profile: 'system', storePath: bad, revision: 9, confirm })
        ),
        await ask(host, 'operate', 'POST', '/v1/profiles/system/preview', JSON.stringify({ storePath: bad }))
      ]
      for (const { status, code } of answers)
        t.ok(
          status === 400 && /^invalid-/.test(code ?? ''),
          `${JSON.stringify(bad.slice(-30))}: ${status} ${code}`
        )
    }
    t.equal(await operations(), was)
    t.equal((await host.run(['test', '-e', '/root/pwned'])).code, 1)
  })

  await t.test('an older revision, a replayed one, an unsigned one and one of an unknown key', async (t) => {
    const [path, revision] = [await next(host, 'five'), ['--revision', '5']]
    t.match(await activate(host, path), refused('approval-missing'))
    t.match(await give(path, 5, 'mallory'), refused('approval-unknown-key'))
    t.match(await give(path, 4), { exit: 0 })
    t.match(await give(path, 5), { exit: 0 })
    t.match(await activate(host, path, ...revision), { exit: 0, phase: 'committed' })
    t.match(await activate(host, path, '--revision', '4'), refused('approval-older', /5 was used/))
    t.match(await activate(host, path, ...revision), refused('approval-used'), 'replayed')
    const metrics = ['curl', '-s', '--unix-socket', '/run/belay/observe.sock', 'http://x/metrics']
    t.match(await host.must(metrics), /^belay_agent_approved_revision\{profile="system"\} 5$/m)
    t.match(await agent(host, ['rollback']), { exit: 0, phase: 'rolled-back' }, 'the way back needs none')
    await host.must(['belay-agent', 'release'])
    t.match(await activate(host, path, '--again', ...revision), refused('approval-used'), 'and it stays used')
    const other = await next(host, 'other-five')
    t.match(await give(other, 5), { exit: 0 })
    t.match(
      await activate(host, other, ...revision),
      refused('approval-older'),
      'one revision is one content'
    )
  })

  await t.test(
    'a desired state that nobody signed passes no revision; a replayed one changes nothing',
    async (t) => {
      const path = await next(host, 'six')
      const put = (revision: number, storePath = path) =>
        ask(
          host,
          'operate',
          'PUT',
          '/v1/desired',
          JSON.stringify({
            profile: 'system',
            storePath,
            revision,
            confirm: { by: 'health', windowSeconds: 60 }
          })
        )
      t.match(
        await put(999_999),
        { status: 422, code: 'approval-wrong-path' },
        'signed for another path alone'
      )
      t.match(await give(path, 6), { exit: 0 })
      t.match(await put(999_999), { code: 'approval-wrong-revision' })
      t.match(await put(6), { status: 200 })
      const is = async () => ((await agent(host, ['desired'])) as unknown as { is: string }).is
      await host.waitFor(async () => (await is()) === 'reached', 'the desired state')
      const was = await operations()
      t.match(await put(6), { status: 200, is: 'reached' }, 'the same again')
      t.match(await put(5), { status: 409, code: 'desired-older' })
      t.equal(await operations(), was)
      t.equal((await truthOf(host)).running, path)
      await ask(host, 'operate', 'DELETE', '/v1/desired', '{"revision":6,"reason":"done"}')
    }
  )

  await t.test('TOCTOU: other contents under the names that were approved', async (t) => {
    const path = await next(host, 'seven', { packages: { 'tool-1.0': 'good' } })
    t.match(await give(path, 7), { exit: 0 })
    const tool = (await shell(host, `nix-store --query --requisites ${path} | grep -- -tool-1.0`)).trim()
    // As who may add paths could: away with the path, and back under its name with another content.
    await shell(
      host,
      `chmod -R u+w ${tool}; f=$(find ${tool} -type f | head -n 1); echo evil > $f
      printf '%s\\n\\n0\\n' ${tool} | nix-store --register-validity --reregister`
    )
    t.match(
      await activate(host, path, '--revision', '7'),
      refused('approval-wrong-plan', /contents: approved/)
    )
    t.not((await truthOf(host)).running, path)
  })

  await t.test('a generation that Belay never had is gone back to by root alone', async (t) => {
    const path = await next(host, 'stray')
    await host.must(['nix-env', '-p', '/nix/var/nix/profiles/stray', '--set', path])
    await shell(host, `ln -s ${path} /nix/var/nix/profiles/system-99-link`)
    t.match(await ask(host, 'operate', 'POST', '/v1/rollback', '{"generation":99}'), {
      ...{ status: 403, code: 'rollback-not-known-good' }
    })
    await shell(host, 'rm /nix/var/nix/profiles/system-99-link')
  })

  await t.test(
    'a system that is addressed by its content, which Nix takes unsigned, is unsigned here',
    async (t) => {
      const path = await next(host, 'eight')
      const made = 'nix-store --generate-binary-cache-key belay-test-1 /root/sk /root/pk; cat /root/pk'
      const publicKey = (await shell(host, made)).trim()
      await configure(host, { ...intents, trust: { signaturesNeeded: 1, publicKeys: [publicKey] } })
      const signatures = async (of: string) => {
        const { checks } = (await agent(host, ['preflight', of])) as unknown as Preflight
        return checks.find(({ name }) => name === 'signatures')
      }
      t.match(await signatures(path), { result: 'fail', code: 'unsigned' })
      const json = await host.must(['nix', 'store', 'make-content-addressed', '--json', path])
      const forged = (JSON.parse(json) as { rewrites: Record<string, string> }).rewrites[path] ?? ''
      const verify = ['nix', 'store', 'verify', '--recursive', '--no-contents', '--sigs-needed', '1', forged]
      t.equal(
        (await host.run([...verify, '--option', 'trusted-public-keys', publicKey])).code,
        0,
        'Nix is content'
      )
      t.match(await signatures(forged), {
        result: 'fail',
        code: 'unsigned',
        evidence: /top level has 0 of 1/
      })
      await host.must(['nix', 'store', 'sign', '--key-file', '/root/sk', '--recursive', path])
      t.match(await signatures(path), { result: 'pass' })
    }
  )

  await t.test('a replayed confirmation; and what a reason says stays in its place', async (t) => {
    await configure(host, {})
    const path = await next(host, 'nine')
    const reason = 'x"} 1\nbelay_agent_held 1\n<3>forged\u001b[2J'
    const begun = await ask(
      host,
      'operate',
      'POST',
      '/v1/operations',
      JSON.stringify({ storePath: path, reason, overDrift: true })
    )
    t.equal(begun.status, 202, JSON.stringify(begun))
    const look = async () => JSON.parse(await host.must(['belay-agent', '--json', 'status'])).operation
    await host.waitFor(async () => (await look()).phase === 'confirming', 'the confirm window')
    const operation = async () =>
      JSON.parse(
        await host.must([
          ...['curl', '-s', '--unix-socket', '/run/belay/operate.sock'],
          `http://x/v1/operations/${begun.id}`
        ])
      )
    const { nonce } = (await operation()).confirmation
    const confirm = (body: object) =>
      ask(host, 'operate', 'POST', `/v1/operations/${begun.id}/confirm`, JSON.stringify(body))
    t.match(await confirm({ nonce: 'A'.repeat(43) }), { status: 403, code: 'nonce-wrong' })
    t.match(await confirm({ nonce }), { status: 200 })
    await host.waitFor(async () => (await look()).phase === 'committed', 'the commit')
    t.match(await confirm({ nonce }), { status: 409, code: 'not-confirming' }, 'replayed')
    const metrics = ['curl', '-s', '--unix-socket', '/run/belay/observe.sock', 'http://x/metrics']
    t.same((await host.must(metrics)).match(/^belay_agent_held .*$/gm), ['belay_agent_held 0'])
    const log = await host.must(['journalctl', '--unit=belay-agent', '--output=cat', '--no-pager'])
    t.notMatch(log, /^<3>forged|^belay_agent_held/m)
    t.match(log, /"role":"operate","transport":"unix"/)
  })

  await t.test('a canary among the files of a generation shows nowhere', async (t) => {
    const canary = 'glpat-canary0123456789canary'
    const path = await next(host, 'ten', {
      files: { 'etc/app.conf': `password = ${canary}\ntoken: ${canary}\n` },
      services: { app: 'exec sleep infinity' }
    })
    const answers = [
      await host.must(['belay-agent', '--json', 'preview', '--diff', path]),
      await host.must(['belay-agent', '--json', 'activate', path, '--auto-confirm', '--over-drift']),
      await host.must(['belay-agent', '--json', 'status']),
      await host.must(['curl', '-s', '--unix-socket', '/run/belay/observe.sock', 'http://x/metrics']),
      await shell(host, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "'),
      await host.must(['journalctl', '--no-pager', '--output=cat', '--unit=belay-*'])
    ]
    t.match(answers[0], /redacted/)
    for (const [i, answer] of answers.entries()) t.notMatch(answer, canary.slice(6), `answer ${i}`)
    const files =
      'grep -rl canary0123456789 /var/lib/belay /run/belay /run/motd.d /etc/motd.d 2>/dev/null || true'
    t.equal(await shell(host, files), '')
    t.equal((await host.must(['systemctl', 'show', '-P', 'LimitCORE', 'belay-agent'])).trim(), '0')
    t.equal((await host.must(['systemctl', 'show', '-P', 'UMask', 'belay-agent'])).trim(), '0077')
  })

  await t.test('a configuration that others can write decides nothing', async (t) => {
    await shell(host, 'chmod 666 /root/agent.json')
    const unsafe = { code: 2, stderr: /agent\.json cannot be trusted: .* writable by others/ }
    t.match(await host.run(['belay-agent', '--config', '/root/agent.json', 'status']), unsafe)
    await shell(host, 'chmod 644 /root/agent.json; chown nobody /root/agent.json')
    t.match(await host.run(['belay-agent', '--config', '/root/agent.json', 'status']), {
      ...{ code: 2, stderr: /belongs to user 65534/ }
    })
    const argv = ['--config', '/root/agent.json', 'rollback']
    t.match(await agent(host, argv), { exit: 0, phase: 'rolled-back' }, 'and the way back is free')
  })
})
