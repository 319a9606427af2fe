import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { runCli } from '../../../controller/cli/run.ts'
import { digestMessage } from '../../../controller/cli/views/digest.ts'
import { painter } from '../../../controller/cli/views/text.ts'
import { silentRow, soakRow, verdictOf } from '../../../controller/verdict/report.ts'
import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Evidence } from '../../../shared/verdict/evidence.ts'
import { defaultPolicy } from '../../../shared/verdict/policy.ts'
import { stories } from '../../verdict/stories.ts'
import { fakeClock } from '../fakes/clock.ts'
import { noLeaks } from '../fakes/scan.ts'
import { receiver } from '../notify/receiver.ts'

/** `belay` with a fleet file whose host nobody reaches. */
function digest(t: Test, notify: string) {
  const directory = t.testdir({})
  const file = join(directory, 'fleet.yaml')
  writeFileSync(file, `version: 1\nhosts: { galena: {} }\n${notify}\n`)
  const said = { out: '', err: '' }
  const wiring = {
    run: runCommand,
    openTunnel: async () => {
      throw new BelayError('host-unreachable', 'No route to host')
    },
    clock: fakeClock(),
    newKey: () => 'message-1',
    scan: noLeaks,
    signal: new AbortController().signal
  }
  const terminal = {
    ...{ isTty: false, paint: painter(false), columns: () => 100, rows: () => 24 },
    out: (text: string) => {
      said.out += text
    },
    err: (text: string) => {
      said.err += text
    }
  }
  return async (...argv: string[]) => {
    const code = await runCli(['-f', file, 'digest', ...argv], wiring, terminal, '0.1.0')
    return { code, ...said }
  }
}

const rowOf = (evidence: Evidence, days = 1) => {
  const host = { name: evidence.host, soak: defaultPolicy } as Parameters<typeof verdictOf>[0]
  const now = Date.parse(evidence.asOf)
  return soakRow(verdictOf(host, { evidence, keptAt: null }, [], now), now - days * 86_400_000)
}

t.test('the message says the worst in its title, and disturbs by it', async (t) => {
  const passes = rowOf(stories.passes)
  const bad = rowOf(stories.unexpectedReboot)
  const silent = silentRow('galena', new BelayError('host-unreachable', 'No route to host'))
  t.match(digestMessage([passes], '2026-03-20', false), {
    title: 'Soak digest, 2026-03-20: 1 GO',
    priority: 'low',
    tags: ['belay', 'digest'],
    text: /^## Soak digest, 2026-03-20\n\nNothing became worse since yesterday\.\n/
  })
  t.match(digestMessage([passes, bad, silent], '2026-03-20', true), {
    title: 'Soak review of the week, 2026-03-20: 1 without evidence, 1 NO-GO, 1 GO',
    priority: 'high',
    tags: ['belay', 'weekly'],
    text: /### No evidence\n\n\* \*\*galena\*\*: No route to host/
  })
})

t.test('a week looks back for a week', async (t) => {
  t.notMatch(rowOf(stories.unexpectedReboot, 1).degraded, [/unexpected reboot/])
  t.match(rowOf(stories.unexpectedReboot, 14).degraded, [/unexpected reboot/])
})

t.test('it is brought to those of the digest, or of the weekly review', async (t) => {
  const daily = await receiver(t)
  const weekly = await receiver(t)
  const notify = `notify:
  webhooks: { daily: { url: "${daily.url}" }, weekly: { url: "${weekly.url}" } }
  digest: [daily]
  weekly: [weekly]`
  t.match(await digest(t, notify)(), { code: 0, out: /^## Soak digest/, err: '' })
  t.same(daily.received, [], 'nothing is sent unless asked for')
  t.match(await digest(t, notify)('--deliver'), {
    code: 0,
    out: /^## Soak digest/,
    err: 'delivered to daily\n'
  })
  t.match(JSON.parse(daily.received[0]?.body ?? ''), {
    id: 'message-1',
    title: 'Soak digest, 2026-01-01: 1 without evidence',
    text: /galena\*\*: No route to host/
  })
  const { code, out, err } = await digest(t, notify)('--weekly', '--deliver', '--json')
  t.match({ code, err }, { code: 0, err: '' })
  t.match(JSON.parse(out), {
    title: /review of the week/,
    hosts: [{ host: 'galena', error: { code: 'host-unreachable' } }],
    deliveries: [{ sink: 'weekly', ok: true, attempts: 1, error: null }]
  })
  t.same([daily.received.length, weekly.received.length], [1, 1])
})

t.test('what was not delivered is the exit code, and what nobody gets is refused at once', async (t) => {
  const refusing = await receiver(t, { status: 404 })
  const notify = `notify: { webhooks: { team: { url: "${refusing.url}" } }, digest: [team] }`
  t.match(await digest(t, notify)('--deliver'), {
    code: 1,
    out: /^## Soak digest/,
    err: 'not delivered to team: it answered 404\n'
  })
  t.match(await digest(t, '')('--deliver'), { code: 2, out: '', err: /notify\.digest names nobody/ })
  t.match(await digest(t, notify)('--deliver', '--weekly'), { code: 2, err: /notify\.weekly names nobody/ })
})
