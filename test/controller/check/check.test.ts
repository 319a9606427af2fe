import t from 'tap'
import { check } from '../../../controller/check/check.ts'
import { checkMarkdown, checkView } from '../../../controller/cli/views/check.ts'
import { junit } from '../../../controller/cli/views/check-junit.ts'
import { painter } from '../../../controller/cli/views/text.ts'
import { resolveFleet } from '../../../controller/inventory/fleet.ts'
import type { CheckPolicy } from '../../../controller/inventory/pipeline-schema.ts'
import type { CommandResult } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { noLeaks } from '../fakes/scan.ts'

const names = ['cinnabar', 'electrum', 'galena', 'scheelite']
const { hosts } = resolveFleet(
  { version: 1, hosts: Object.fromEntries(names.map((name) => [name, {}])) },
  '/fleet/fleet.yaml'
)
const error = (msg: string) => `@nix ${JSON.stringify({ action: 'msg', level: 0, msg })}`

/** Electrum does not evaluate, galena does not build, scheelite leaks, cinnabar is fine. */
async function run(argv: readonly string[], options: { onStderrLine?: (line: string) => void }) {
  const line = argv.join(' ')
  const answer = (result: Partial<CommandResult>): CommandResult => {
    for (const each of result.stderr?.split('\n') ?? []) options.onStderrLine?.(each)
    return { code: 0, stdout: '', stderr: '', timedOut: false, ...result }
  }
  if (/flake check/.test(line)) return answer({ code: 1, stderr: 'error: checks.x86_64-linux.unit failed' })
  if (argv[0] === 'statix') return answer({ code: 1, stdout: '<W01> a & b' })
  if (argv[0] === 'fine') return answer({})
  if (/ eval .*electrum/.test(line)) return answer({ code: 1, stderr: 'error: undefined variable <foo>' })
  if (/ build .*galena/.test(line))
    return answer({ code: 1, stderr: error('builder failed with exit code 3') })
  const name = names.find((each) => line.includes(each)) ?? ''
  return answer({
    stdout: line.includes(' eval ') ? `/nix/store/x-${name}.drv` : `${storePath(name[0] ?? 'a')}\n`
  })
}

const scan: typeof noLeaks = async (path, policy, signal) => ({
  ...(await noLeaks(path, policy, signal)),
  leaks: path === storePath('s') ? [{ path: `${path}/etc/key`, kind: 'age-key' as const, offset: 7 }] : []
})

const policy: CheckPolicy = {
  linters: [
    { name: 'statix', command: ['statix', 'check'] },
    { name: 'fine', command: ['fine'] }
  ]
}
let clock = 0
const ports = {
  ...{ run, scan, secrets: {}, onLine: () => {}, push: null, signal: new AbortController().signal },
  openTunnel: async () => {
    throw new BelayError('host-unreachable', 'No route to host')
  },
  now: () => (clock += 100),
  date: () => new Date('2026-03-20T09:00:00Z')
}
const request = {
  ...{ hosts, flake: '/fleet', policy, maxParallel: 2 },
  secretsOf: async () => ({ ok: true, looked: { clan: 0, declared: 0, directories: [] }, problems: [] })
}

t.test('each failure is named, and is nobody else’s', async (t) => {
  const said: string[] = []
  const report = await check(request, { ...ports, onLine: (host, line) => said.push(`${host} | ${line}`) })
  t.equal(report.ok, false)
  const ends = ['electrum | evaluate: evaluation-failed: error: undefined', 'cinnabar | secrets: pass']
  for (const end of ends)
    t.ok(
      said.some((line) => line.startsWith(end)),
      end
    )
  const results = (name: string) =>
    report.hosts.find(({ host }) => host === name)?.steps.map((step) => step.code ?? step.result)
  t.same(results('cinnabar'), ['pass', 'pass', 'pass'])
  t.same(results('electrum'), ['evaluation-failed', 'skipped', 'skipped'])
  t.same(results('galena'), ['pass', 'build-failed', 'skipped'])
  t.same(results('scheelite'), ['pass', 'pass', 'leak-found'])
  t.same(
    report.repository.map(({ name, result }) => [name, result]),
    [
      ['secrets of the repository', 'pass'],
      ['nix flake check', 'fail'],
      ['linter statix', 'fail'],
      ['linter fine', 'pass']
    ]
  )
  t.match(report.hosts[2]?.steps[1]?.message, /builder failed with exit code 3/)

  await t.test('as text', async (t) => {
    const text = checkView(report, painter(false))
    t.match(text, /electrum +evaluate +✖ evaluation-failed/)
    t.match(text, /scheelite: secrets\n {2}age-key in .*\/etc\/key, byte 7/)
    t.match(
      text,
      /✖ not ready: electrum \(evaluate\); galena \(build\); scheelite \(secrets\); repository \(nix flake check\); /
    )
    t.match(text, /byte 7\n {2}Change it, and what uses it: /)
  })

  await t.test('as JUnit XML', async (t) => {
    const xml = junit(report)
    t.match(xml, /<testsuite name="electrum" tests="3" failures="1" skipped="2"/)
    t.match(xml, /<failure type="evaluation-failed" message="error: undefined variable &lt;foo&gt;">/)
    t.match(xml, /<testsuite name="repository" tests="4" failures="2" skipped="0"/)
    const opened = [...xml.matchAll(/<([a-z-]+)(?: [^<>]*)?>/g)].filter(([tag]) => !tag.endsWith('/>'))
    const closed = [...xml.matchAll(/<\/([a-z-]+)>/g)]
    t.equal(opened.length, closed.length, 'what is opened is closed')
    t.notMatch(xml.replace(/<[^<>]*>/g, ''), /[<>]|&(?!(?:amp|lt|gt|quot);)/)
  })

  await t.test('as Markdown, in which no text is a tag', async (t) => {
    const markdown = checkMarkdown(report)
    t.match(markdown, /^## ✖ Not ready/)
    t.match(markdown, /\| galena \| build \| ✖ build-failed \|/)
    t.notMatch(markdown.replace(/```[\s\S]*?```/g, ''), /<foo>|<W01>/)
  })
})

t.test('all is well: nothing is left out, and nothing fails', async (t) => {
  const fine = { ...request, hosts: hosts.slice(0, 1), policy: { flake: false } }
  const report = await check(fine, ports)
  t.match(report, { ok: true, hosts: [{ storePath: storePath('c'), built: 0, leaks: [] }] })
  t.match(checkView(report, painter(false)), /✔ ready to be merged/)
})

t.test('a preview copies and asks; a host that is away is a warning', async (t) => {
  const copied: string[] = []
  const push = async ({ name }: { name: string }) => void copied.push(name)
  const report = await check({ ...request, policy: { flake: false } }, { ...ports, push })
  t.same(copied, ['cinnabar'], 'neither what leaks nor what is not built')
  t.match(report.hosts[0]?.steps.at(-1), { name: 'preview', result: 'warn', message: /not reachable/ })
  const refusing = async () => {
    throw new BelayError('push-failed', 'no space left')
  }
  const failed = await check({ ...request, hosts: hosts.slice(0, 1) }, { ...ports, push: refusing })
  t.match(failed.hosts[0]?.steps.at(-1), { result: 'fail', code: 'push-failed' })
})

t.test('wrong secrets in the repository keep it back, warnings do not', async (t) => {
  const problem = { kind: 'no-mac', host: null, path: 'secrets/a', message: 'x' } as const
  const looked = { clan: 0, declared: 0, directories: [] }
  const of = (severity: 'error' | 'warning', ok: boolean) =>
    check(
      {
        ...request,
        hosts: [],
        policy: { flake: false },
        secretsOf: async () => ({ ok, looked, problems: [{ ...problem, severity }] })
      },
      ports
    )
  t.match((await of('error', false)).repository, [
    { result: 'fail', code: 'secrets-wrong', message: 'secrets/a: x' }
  ])
  t.match(await of('warning', true), { ok: true, repository: [{ result: 'warn' }] })
})

t.test('an interruption is no report', async (t) => {
  const over = new AbortController()
  over.abort()
  await t.rejects(check(request, { ...ports, signal: over.signal }), { name: 'AbortError' })
})
