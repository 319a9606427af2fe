import fc from 'fast-check'
import t from 'tap'
import type { Finding, World } from '../../../../agent/health/kinds/kind.ts'
import { containedArgv, containedMeasures } from '../../../../agent/platform/darwin/contained.ts'
import {
  hostMeasures,
  judgeFree,
  judgeOffset,
  wentDownInOrder
} from '../../../../agent/platform/darwin/host-measures.ts'
import { macMeasures } from '../../../../agent/platform/darwin/measures.ts'
import type { BoundedResult } from '../../../../shared/command.ts'

const bounds = { warn: 0.9, fail: 0.97 }

/** A Mac that answers by the last words of a command line, and a memory of one check. */
function mac(answers: Readonly<Record<string, string | number>>, bootId = 'A') {
  let memory: unknown = null
  let now = Date.parse('2026-01-01T00:00:00Z')
  const asked: string[] = []
  const world = {
    root: '/nonexistent',
    bootId,
    now: () => now,
    monotonicMs: () => now,
    recall: () => memory,
    remember: (it: unknown) => {
      memory = it
    },
    run: async (argv: readonly string[]): Promise<BoundedResult> => {
      asked.push(argv.join(' '))
      const found = Object.entries(answers).find(([words]) => argv.join(' ').endsWith(words))?.[1]
      const out = { stderr: '', ended: 'exited' } as const
      if (typeof found === 'string') return { ...out, code: 0, stdout: found }
      return { ...out, code: found ?? 127, stdout: '' }
    }
  }
  return {
    asked,
    look: async (measure: ((world: World) => Promise<Finding>) | undefined) =>
      measure?.(world as unknown as World),
    sleep: (hours: number) => {
      now += hours * 3_600_000
    },
    reboot: (id: string) => {
      world.bootId = id
    }
  }
}

t.test('memory: the level that macOS itself acts on', async (t) => {
  t.match(judgeFree('62\n', bounds), { result: 'pass', value: 0.38, message: '38 % used' })
  t.match(judgeFree('8\n', bounds), { result: 'warn' })
  t.match(judgeFree('0\n', bounds), { result: 'fail', value: 1 })
  for (const none of [null, '', '101', '-1', 'sysctl: unknown oid'])
    t.match(judgeFree(none, bounds), { result: 'unknown' })
  fc.assert(fc.property(fc.string(), (text) => judgeFree(text, bounds).message.length > 0))
  const host = mac({ 'kern.memorystatus_level': '50\n' })
  t.match(await host.look(hostMeasures.memory?.(bounds)), { value: 0.5 })
})

t.test('the clock, by its own time server', async (t) => {
  t.match(judgeOffset('+0.031852 +/- 0.012456 time.example 192.0.2.1\n'), { result: 'pass' })
  t.match(judgeOffset('-2.5 +/- 0.1 time.example 192.0.2.1\n'), { result: 'fail', message: /-2\.5 s/ })
  t.match(judgeOffset('sntp: Exchange failed: Timeout\n'), { result: 'unknown' })
  fc.assert(
    fc.property(fc.string(), (text) => ['pass', 'fail', 'unknown'].includes(judgeOffset(text).result))
  )
  const on = {
    '-getusingnetworktime': 'Network Time: On\n',
    '-getnetworktimeserver': 'Network Time Server: time.example\n'
  }
  const look = async (answers: Readonly<Record<string, string | number>>) =>
    mac(answers).look(hostMeasures['time-sync']?.({}))
  t.match(await look({ ...on, 'time.example': '+0.1 +/- 0.1 time.example 192.0.2.1\n' }), { result: 'pass' })
  t.match(await look({ ...on, 'time.example': 1 }), { result: 'unknown' })
  t.match(await look({ '-getusingnetworktime': 'Network Time: Off\n' }), { result: 'fail' })
  const hostile = { ...on, '-getnetworktimeserver': 'Network Time Server: -x\n' }
  t.match(await look(hostile), { result: 'unknown', message: /names no time server/ })
})

const inOrder = `reboot time                                Tue Nov 12 08:05
shutdown time                              Tue Nov 12 08:03
reboot time                                Mon Nov 11 07:00

wtmp begins Mon Nov 11 07:00
`
const byItself = inOrder.replace(/^shutdown.*\n/m, '')

t.test('a reboot that nobody asked for; sleep is none', async (t) => {
  t.equal(wentDownInOrder(inOrder), true)
  t.equal(wentDownInOrder(byItself), false)
  for (const none of [null, '', 'wtmp begins Mon\n', 'shutdown time   Tue\n', 'reboot time   Tue\n'])
    t.equal(wentDownInOrder(none), null)
  fc.assert(fc.property(fc.string(), (text) => [true, false, null].includes(wentDownInOrder(text))))

  const measure = hostMeasures['unexpected-reboot']?.({ withinSeconds: 86_400 })
  for (const [log, result] of [
    [inOrder, 'pass'],
    [byItself, 'fail'],
    ['', 'unknown']
  ] as const) {
    const host = mac({ 'reboot shutdown': log })
    t.match(await host.look(measure), { result: 'pass' }, 'the first boot ever seen')
    host.sleep(72)
    t.match(await host.look(measure), { result: 'pass' }, 'three days asleep')
    t.same(host.asked, [], 'nobody was asked')
    host.reboot('B')
    t.match(await host.look(measure), { result })
    t.match(await host.look(measure), { result: result === 'unknown' ? 'pass' : result }, 'and the next time')
    host.sleep(25)
    t.match(await host.look(measure), { result: 'pass' }, 'a day later')
  }
})

t.test('how often launchd has started a job', async (t) => {
  const answers = { 'system/org.nixos.web': 'system/org.nixos.web = {\n\tstate = running\n\truns = 3\n}\n' }
  const host = mac(answers)
  const measure = macMeasures['service-restarts']?.({ service: 'org.nixos.web', warn: 1, fail: 3 })
  t.match(await host.look(measure), { result: 'pass', value: 0 })
  answers['system/org.nixos.web'] = answers['system/org.nixos.web'].replace('runs = 3', 'runs = 5')
  t.match(await host.look(measure), { result: 'warn', value: 2 })
  const gone = macMeasures['service-restarts']?.({ service: 'org.nixos.gone', warn: 1, fail: 3 })
  t.match(await host.look(gone), { result: 'unknown' })
})

t.test('commands of the configuration, as a user and yielding', async (t) => {
  t.same(containedArgv(['fish', '-lc', 'exit'], { user: null, environment: {} }).slice(1), [
    '-n',
    '10',
    'fish',
    '-lc',
    'exit'
  ])
  t.match(
    containedArgv(['fish'], { user: 'alice', environment: { A: 'b c' } }).join('|'),
    /^\/usr\/bin\/sudo\|-n\|-H\|-u\|alice\|--\|\/usr\/bin\/nice\|-n\|10\|\/usr\/bin\/env\|A=b c\|fish$/
  )
  const options = {
    argv: ['count'],
    user: null,
    environment: {},
    value: 'number',
    pattern: null,
    warn: null,
    fail: 5
  }
  t.match(await mac({ count: '7 mails\n' }).look(containedMeasures.command?.(options)), {
    result: 'fail',
    value: 7
  })
  t.match(await mac({ count: 3 }).look(containedMeasures.command?.(options)), {
    result: 'fail',
    message: /exited with 3/
  })
})

t.test('what there is not says so', async (t) => {
  for (const kind of ['stuck-jobs', 'home-manager', 'temperature'] as const)
    t.match(await mac({}).look(macMeasures[kind]?.({})), { result: 'unknown', message: /macOS|launchd/ })
  t.match(await mac({}).look(macMeasures.load?.({ warn: null, fail: null })), {
    result: 'pass',
    message: /^load \d/
  })
})
