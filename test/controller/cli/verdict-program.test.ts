import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { BelayError } from '../../../shared/errors.ts'
import type { Evidence } from '../../../shared/verdict/evidence.ts'
import { stories } from '../../verdict/stories.ts'
import { fakeClock } from '../fakes/clock.ts'
import { noLeaks } from '../fakes/scan.ts'
import { runBelay } from './run-belay.ts'

/** A fleet of two hosts that nobody reaches, and evidence in files. */
function fleet(t: Test) {
  const directory = t.testdir({ 'fleet.yaml': 'version: 1\nhosts: { galena: {}, stibnite: {} }\n' })
  const keep = (evidence: unknown) => {
    const file = join(directory, 'evidence.json')
    writeFileSync(file, JSON.stringify(evidence))
    return file
  }
  const belay = async (...argv: string[]) => {
    return await runBelay(['-f', join(directory, 'fleet.yaml'), ...argv], {
      run: async () => ({ code: 0, stdout: '', stderr: '', timedOut: false }),
      openTunnel: async () => {
        throw new BelayError('host-unreachable', 'No route to host')
      },
      clock: { ...fakeClock(), now: () => Date.parse('2026-03-20T09:00:00Z') },
      newKey: () => 'key',
      scan: noLeaks,
      signal: new AbortController().signal
    })
  }
  return {
    directory,
    keep,
    belay,
    judge: (evidence: Evidence, ...more: string[]) =>
      belay('verdict', evidence.host, '--evidence', keep(evidence), ...more)
  }
}

t.test('the exit code is the verdict', async (t) => {
  const { judge, belay } = fleet(t)
  t.equal((await judge(stories.passes)).code, 0)
  t.equal((await judge(stories.unexpectedReboot)).code, 1)
  t.equal((await judge(stories.tooFewSamples)).code, 4)
  t.match(await belay('verdict', 'galena'), { code: 4, err: /No route to host/ }, 'silence is no NO-GO')
  t.match(JSON.parse((await belay('--json', 'verdict', 'galena')).out), {
    error: { code: 'host-unreachable' }
  })
  t.equal((await belay('verdict', 'galina')).code, 2)
  t.equal((await belay('verdict')).code, 2)
})

t.test('a waiver makes it conditional; then a person may decide', async (t) => {
  const { keep, belay, judge } = fleet(t)
  const evidence = ['--evidence', keep(stories.unexpectedReboot), '--by', 'ada']
  const refused = await belay('verdict', 'decide', 'galena', 'go', '--reason', 'hurry', ...evidence)
  t.match(refused, { code: 2, err: /the verdict is NO-GO; a person may waive/ })
  const wrong = await belay('verdict', 'waive', 'galena', 'coverage', '--reason', 'x', ...evidence)
  t.match(wrong, { code: 2, err: /not among the criteria that did not pass: unexpected-reboots/ })
  t.match(await belay('verdict', 'waive', 'galena', 'unexpected-reboots', ...evidence), {
    code: 2,
    err: /reason/
  })
  const waived = await belay(
    'verdict',
    'waive',
    'galena',
    'unexpected-reboots',
    '--reason',
    'power cut',
    ...evidence
  )
  t.match(waived, { code: 0, out: /CONDITIONAL GO/ })
  t.equal((await judge(stories.unexpectedReboot)).code, 3)
  const decided = await belay('verdict', 'decide', 'galena', 'go', '--reason', 'fine', ...evidence)
  t.match(decided, { code: 0, out: /Decided: go by ada .*: fine/ })
  t.match(await belay('verdict', 'extend', 'galena', '7', '--reason', 'holidays', ...evidence), {
    code: 0,
    out: /day 10 of 21/
  })
  t.equal((await belay('verdict', 'extend', 'galena', '0', '--reason', 'x', ...evidence)).code, 2)
  const bad = await belay(
    'verdict',
    'waive',
    'galena',
    'days',
    '--reason',
    'x',
    '--expires',
    'soon',
    ...evidence
  )
  t.equal(bad.code, 2)
})

t.test('evidence of another host, or that is none, judges nobody', async (t) => {
  const { keep, belay, judge } = fleet(t)
  const other = await belay('verdict', 'stibnite', '--evidence', keep(stories.passes))
  t.match(other, { code: 4, err: /evidence of another host, "galena"/ })
  t.match(await judge({ ...stories.passes, extra: 1 } as never), { code: 4, err: /invalid-evidence/ })
  t.match(await belay('verdict', 'galena', '--evidence', '/nowhere'), { code: 4, err: /invalid-evidence/ })
})

t.test('a file of ours that is wrong is neither a NO-GO nor missing evidence', async (t) => {
  const { directory, judge, belay } = fleet(t)
  writeFileSync(join(directory, 'soak-decisions.jsonl'), 'nonsense\n')
  t.match(await judge(stories.passes), { code: 2, err: /invalid-decisions/ })
  rmSync(join(directory, 'soak-decisions.jsonl'))
  const nobody = await belay('verdict', 'galena', '--server', 'https://controller.example:9464')
  t.match(nobody, { code: 2, err: /invalid-config/ })
})

t.test('a page that cannot be written is no NO-GO, and the verdict is told all the same', async (t) => {
  const { directory, judge } = fleet(t)
  const { code, out, err } = await judge(stories.passes, '--html', join(directory, 'nowhere', 'page.html'))
  t.equal(code, 2)
  t.match(out, /galena {2}GO/)
  t.match(err, /page.html was not written: ENOENT.*\[invalid-request\]/)
})

t.test('the page asks for nothing from elsewhere, and shows no markup of others', async (t) => {
  const { directory, judge } = fleet(t)
  const [check, ...others] = stories.failsNewly.checks
  const hostile = '<img src=x onerror=1>\u001b[2J|`'
  const evidence = {
    ...stories.failsNewly,
    checks: [{ ...(check as never as object), name: hostile } as never, ...others]
  }
  const file = join(directory, 'page.html')
  const { code, out } = await judge(evidence, '--html', file, '--markdown')
  t.equal(code, 1)
  const page = readFileSync(file, 'utf8')
  t.equal(page.match(/<svg/g)?.length, 3)
  t.match(page, '<span class="verdict no-go">NO-GO</span>')
  t.notMatch(page, '<img')
  t.notMatch(page, '\u001b')
  t.notMatch(page, /(?:src|href)="|url\((?!#)|@import|<script/)
  t.notMatch(page, /#01020/, 'every stand-in has its colour')
  t.match(out, 'failures/\\<img src=x onerror=1\\>\\|\\`')
})

t.test('each story has its page', async (t) => {
  const { directory, judge } = fleet(t)
  const file = join(directory, 'page.html')
  for (const [name, evidence] of Object.entries(stories)) {
    const { out } = await judge(evidence, '--html', file, '--json')
    const { verdict, because } = JSON.parse(out) as { verdict: string; because: string[] }
    const page = readFileSync(file, 'utf8')
    t.match(page, `>${verdict}</span>`, name)
    t.match(page, `<li>${because[0]}</li>`, name)
  }
})

t.test('soak and digest show silent hosts as such', async (t) => {
  const { belay } = fleet(t)
  t.match(await belay('soak'), { code: 1, out: /No evidence:\n {2}galena: No route to host/ })
  t.match(JSON.parse((await belay('soak', '--json')).out), { hosts: [{ host: 'galena', verdict: null }, {}] })
  t.match(await belay('digest'), { code: 0, out: /^## Soak digest, 2026-03-20/ })
  t.match(await belay('digest', '--weekly'), { out: /review of the week/ })
})
