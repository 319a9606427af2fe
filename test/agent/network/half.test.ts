import type { Test } from 'tap'
import t from 'tap'
import { NetworkHalf } from '../../../agent/network/half.ts'
import { MAX_SAID_A_SECOND } from '../../../agent/network/records.ts'
import { networkAlone } from './alone.ts'

const open = { kind: 'tcp', options: { host: '127.0.0.1', port: 1, warn: null, fail: null } }
const never = new AbortController().signal

/** A half that somebody has taken over: a shell script that says what it likes. */
function takenOver(t: Test, script: string) {
  let cleared = 0
  const clear = async () => {
    cleared += 1
  }
  const env = { PATH: process.env.PATH ?? '' }
  const half = new NetworkHalf({ argv: ['sh', '-c', script], env, clear })
  t.teardown(() => half.close())
  return { half, cleared: () => cleared }
}

const finding = (fields: object) =>
  JSON.stringify({ type: 'finding', id: 1, result: 'pass', value: null, message: 'well', ...fields })
const says = (...lines: string[]) =>
  `read question; ${lines.map((line) => `echo '${line}';`).join(' ')} exec cat >/dev/null`

t.test('the half itself answers, and ends with the conversation', async (t) => {
  const half = new NetworkHalf(networkAlone)
  t.match(await half.ask(open, never), { result: 'fail', message: /ECONNREFUSED/ })
  t.match(await half.ask({ kind: 'command', options: {} }, never), { result: 'unknown', message: /no kind/ })
  const lines = { kind: 'a\u2028b\u2029c\r\n', options: {} }
  t.match(await half.ask(lines, never), { result: 'unknown', message: /no kind a\u2028b\u2029c\r\n looks/ })
  await half.close()
  await t.rejects(half.ask(open, never), /stopping/)
})

t.test('an answer to what was asked is taken as it is', async (t) => {
  const { half } = takenOver(t, says(finding({ value: 2 })))
  t.same(await half.ask(open, never), { result: 'pass', value: 2, message: 'well' })
})

t.test('an authority that began before 1970 is no lie', async (t) => {
  const expiries = [{ what: 'client-authority', from: -631_152_000_000, until: 1 }]
  const { half } = takenOver(t, says(JSON.stringify({ type: 'listening', id: 1, expiries, problem: null })))
  t.same(await half.listen({} as never), { expiries, problem: null })
})

const lies = {
  'no JSON': 'lies',
  'no record': '[]',
  'an unknown record': '{"type":"activate","storePath":"/nix/store/x"}',
  'an answer to what was not asked': finding({ id: 7 }),
  'a result that there is not': finding({ result: 'better' }),
  'a value that is no number': finding({ value: '1' }),
  'a value beyond all numbers': finding({ value: 0 }).replace('"value":0', '"value":1e999'),
  'more than is asked for': finding({ storePath: '/nix/store/x' }),
  'a message without end': finding({ message: 'x'.repeat(2001) }),
  'another answer than was asked for': '{"type":"listening","id":1,"expiries":[],"problem":null}',
  'a scrape where there is no listener': '{"type":"scrape","connections":1}',
  'a note where there is no listener': '{"type":"note","level":"info","text":"x","detail":""}'
}
for (const [what, line] of Object.entries(lies)) {
  t.test(`${what}: it is ended, and nothing is known`, async (t) => {
    const { half, cleared } = takenOver(t, says(line))
    await t.rejects(half.ask(open, never), {
      code: 'command-failed',
      message: /said what it was not asked for/
    })
    await t.rejects(half.ask(open, never), { code: 'command-failed' }, 'another one was started')
    t.equal(cleared(), 3, 'before each start, and where nothing else was to be done')
  })
}

t.test('a flood is ended: a line without end, and lines without end', async (t) => {
  for (const flood of ['yes x | tr -d "\\n"', `yes '${JSON.stringify({ type: 'note' })}'`]) {
    const { half } = takenOver(t, `read question; ${flood}`)
    await t.rejects(half.ask(open, never), { code: 'command-failed' })
  }
  const { half } = takenOver(t, `read question; exec yes '${finding({ id: 2 })}'`)
  half.serve({ metrics: async () => '', scraped: () => {}, note: () => {} })
  await t.rejects(half.ask(open, never), { code: 'command-failed' })
  t.ok(MAX_SAID_A_SECOND > 100, 'a hundred checks may end at once')
})

t.test('it may ask for metrics one after the other, and hears them', async (t) => {
  const scrape = '{"type":"scrape","connections":3}'
  const { half } = takenOver(
    t,
    `read question; echo '${scrape}'; read answer; echo '${finding({})}' | sed "s/well/\${#answer}/"; exec cat >/dev/null`
  )
  const open_: number[] = []
  half.serve({ metrics: async () => 'some 1\n', scraped: (count) => open_.push(count), note: () => {} })
  const length = JSON.stringify({ type: 'metrics', text: 'some 1\n' }).length
  t.same(await half.ask(open, never), { result: 'pass', value: null, message: String(length - 1) })
  t.same(open_, [3])
  const twice = takenOver(t, says(scrape, scrape))
  const waits = Promise.withResolvers<string>()
  twice.half.serve({ metrics: () => waits.promise, scraped: () => {}, note: () => {} })
  await t.rejects(twice.half.ask(open, never), { code: 'command-failed' }, 'not two at once')
})

t.test('of its notes ten in a minute are kept, and that there were more', async (t) => {
  const note = '{"type":"note","level":"error","text":"rolled back","detail":"{}"}'
  const script = `read question; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo '${note}'; done; echo '${finding({})}'`
  const { half } = takenOver(t, `${script}; exec cat >/dev/null`)
  const texts: string[] = []
  half.serve({ metrics: async () => '', scraped: () => {}, note: ({ text }) => void texts.push(text) })
  t.match(await half.ask(open, never), { result: 'pass' })
  t.same(texts, [...Array(9).fill('rolled back'), 'more in this minute than is kept'])
})

t.test('metrics that it asks for and does not read are not kept for it', async (t) => {
  const scrape = '{"type":"scrape","connections":3}'
  const { half, cleared } = takenOver(
    t,
    `read question; echo '${scrape}'; sleep 1; echo '${scrape}'; exec sleep 60`
  )
  const text = 'x'.repeat(9 * 1024 * 1024)
  half.serve({ metrics: async () => text, scraped: () => {}, note: () => {} })
  await t.rejects(half.ask(open, never), {
    code: 'command-failed',
    message: /has ended: it does not read what it is told/
  })
  t.equal(cleared(), 2, 'what systemd-run started is ended as well, and no other is started for the question')
})

t.test('one that cannot be started for a moment is started again', async (t) => {
  const dir = t.testdir({})
  const { half, cleared } = takenOver(
    t,
    `if test -e ${dir}/again; then ${says(finding({ id: 2 }))}; fi; touch ${dir}/again; read question; exit 1`
  )
  t.match(await half.ask(open, never), { result: 'pass' })
  t.equal(cleared(), 2)
})

t.test('one that cannot be started at all says why', async (t) => {
  const { half, cleared } = takenOver(t, `read question; printf 'no\\033[31m room' >&2; exit 1`)
  await t.rejects(half.ask(open, never), { code: 'command-failed', message: /has ended: no room$/ })
  t.equal(cleared(), 6)
  const missing = new NetworkHalf({ argv: ['/nowhere/half'], env: {}, clear: async () => {} })
  await t.rejects(missing.ask(open, never), { code: 'command-failed', message: /ENOENT/ })
})

t.test('what goes on when who started it was told to end, is ended', async (t) => {
  for (const early of [true, false]) {
    const { half, cleared } = takenOver(t, `read question; echo '${finding({})}'; read more; exit 143`)
    t.match(await half.ask(open, never), { result: 'pass' })
    // systemd tells it together with the agent, which has other things to do first.
    if (early) await t.rejects(half.ask(open, never), /has ended/)
    await half.close()
    t.equal(cleared(), 2, early ? 'before' : 'while it is hung up')
  }
})

t.test('one that says nothing is given up by the signal, and forced to end', async (t) => {
  const { half, cleared } = takenOver(t, 'exec sleep infinity')
  const over = new AbortController()
  const asked = half.ask(open, over.signal)
  over.abort(new Error('the check is over'))
  await t.rejects(asked, /the check is over/)
  await half.close()
  t.equal(cleared(), 2)
})
