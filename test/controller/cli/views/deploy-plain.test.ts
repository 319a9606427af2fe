import { mock } from 'node:test'
import t from 'tap'
import { ndjsonView, plainView } from '../../../../controller/cli/views/deploy-plain.ts'
import { painter } from '../../../../controller/cli/views/text.ts'
import type { DeployEvent } from '../../../../controller/deploy/events.ts'

const at = new Date(2026, 0, 1, 12, 0, 1).toISOString()
const host = 'cinnabar'
const events: DeployEvent[] = [
  { type: 'step', at, host, step: 'activating', message: 'switching to it' },
  { type: 'output', at, host, line: 'starting \u001b[31msshd' },
  { type: 'note', at, host, message: 'no connection, trying again' },
  {
    type: 'result',
    at,
    result: {
      host,
      outcome: 'rolled-back',
      reason: 'not confirmed\nmore',
      code: null,
      storePath: null,
      operation: null,
      seconds: 65
    }
  }
]

t.test('one plain line for each event', (t) => {
  let text = ''
  const view = plainView(
    [host, 'x'],
    (line) => {
      text += line
    },
    painter(false)
  )
  for (const event of events) view.event(event)
  view.close()
  t.same(text.split('\n'), [
    '12:00:01 cinnabar  activating    switching to it',
    '12:00:01 cinnabar  activating    | starting sshd',
    '12:00:01 cinnabar  activating    no connection, trying again',
    '12:00:01 cinnabar  rolled-back   not confirmed (1m05s)',
    ''
  ])
  t.end()
})

t.test('what lasts is told again every minute, until it has ended', (t) => {
  const start = new Date(2026, 0, 1, 12, 0, 1).getTime()
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: start })
  t.teardown(() => mock.timers.reset())
  const pass = (seconds: number) => {
    for (let i = 0; i < seconds; i++) mock.timers.tick(1000)
  }
  const lines: string[] = []
  const view = plainView([host], (line) => lines.push(line), painter(false))
  for (const event of events.slice(0, 3)) view.event(event)
  pass(150)
  t.same(lines.slice(3), [
    '12:01:01 cinnabar  activating    for 1m00s\n',
    '12:02:01 cinnabar  activating    for 2m00s\n'
  ])
  for (const event of events.slice(3)) view.event(event)
  pass(150)
  t.equal(lines.length, 6)
  view.close()
  t.end()
})

t.test('one line of JSON for each event', (t) => {
  const lines: string[] = []
  const view = ndjsonView((line) => lines.push(line))
  for (const event of events) view.event(event)
  view.close()
  t.same(
    lines.map((line) => JSON.parse(line)),
    events
  )
  t.ok(lines.every((line) => line.endsWith('\n')))
  t.end()
})
