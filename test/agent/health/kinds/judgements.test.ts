import fc from 'fast-check'
import t from 'tap'
import { endsOf, judgeExpiry } from '../../../../agent/health/kinds/certificate-expiry.ts'
import { judgeCommand } from '../../../../agent/health/kinds/command.ts'
import { amount, judgeSpace } from '../../../../agent/health/kinds/disk.ts'
import { judgeAnswers, valuesOf } from '../../../../agent/health/kinds/dns.ts'
import { judgeDrift } from '../../../../agent/health/kinds/drift.ts'
import { judgeAnswer } from '../../../../agent/health/kinds/http.ts'
import { judge, some } from '../../../../agent/health/kinds/kind.ts'
import { judgeLoad } from '../../../../agent/health/kinds/load.ts'
import { journalCommand, readRecords } from '../../../../agent/health/kinds/log-errors.ts'
import { judgeMemory } from '../../../../agent/health/kinds/memory.ts'
import { judgeTrips } from '../../../../agent/health/kinds/mesh.ts'
import { flawOf, parseNumbers } from '../../../../agent/health/kinds/secrets-present.ts'
import { judgeActive } from '../../../../agent/health/kinds/service.ts'
import { increase, keepHour } from '../../../../agent/health/kinds/service-restarts.ts'
import { sshCommand } from '../../../../agent/health/kinds/ssh.ts'
import { agesOf, judgeJobs, parseJobs } from '../../../../agent/health/kinds/stuck-jobs.ts'
import { parseShow, parseUnits } from '../../../../agent/health/kinds/systemctl.ts'
import { judgeTemperatures } from '../../../../agent/health/kinds/temperature.ts'
import { judgeSync } from '../../../../agent/health/kinds/time-sync.ts'
import { judgeBoots, nextBoots, readBoots } from '../../../../agent/health/kinds/unexpected-reboot.ts'

const bounds = { warn: 2, fail: 4 }
const HOUR = 3_600_000

t.test('thresholds', async (t) => {
  t.equal(judge(1.9, bounds, '').result, 'pass')
  t.equal(judge(2, bounds, '').result, 'warn')
  t.equal(judge(4, bounds, '').result, 'fail')
  t.equal(judge(99, { warn: null, fail: null }, '').result, 'pass')
  t.match(judge(Number.NaN, bounds, 'x'), { result: 'unknown', value: null })
  t.equal(some(['a', 'b', 'c'], 2), 'a, b and 1 more')
})

t.test('units and jobs', async (t) => {
  const unit = (ActiveState: string, SubState = 'running', Result = 'success') => ({
    ...{ Id: 'web.service', LoadState: 'loaded', ActiveState, SubState, Result }
  })
  t.equal(judgeActive([unit('active')]).result, 'pass')
  t.equal(judgeActive([unit('activating', 'start')]).result, 'warn')
  t.equal(
    judgeActive([unit('activating', 'auto-restart', 'exit-code')]).result,
    'fail',
    'it crashes again and again'
  )
  t.match(judgeActive([unit('failed', 'failed', 'timeout')]), {
    result: 'fail',
    message: /failed \(timeout\)/
  })
  t.equal(judgeActive([]).result, 'unknown')
  t.same(parseShow('Id=a\nResult=x=y\n\nId=b\n'), [{ Id: 'a', Result: 'x=y' }, { Id: 'b' }])
  t.same(parseUnits('[{"unit":"a.service"},{"unit":"belay-check-x-1.service"}]'), ['a.service'])
  const jobs = parseJobs(' 12 a.service start running\n  7 b.mount  start waiting\nNo jobs\n')
  t.same(jobs, ['12 a.service', '7 b.mount'])
  const ages = agesOf(agesOf(new Map(), jobs, 0), ['12 a.service', '20 b.mount'], 9000)
  t.match(
    judgeJobs(ages, 10_000, 10),
    { result: 'fail', message: 'stuck: 12 a.service' },
    'a new job is not the old one'
  )
})

t.test('restarts are counted over an hour, and over a counter that begins anew', async (t) => {
  const seen = [0, 2, 2, 1, 5].map((count, i) => ({ at: i * 60_000, count }))
  t.equal(increase(seen), 2 + 0 + 1 + 4)
  t.equal(increase(seen.slice(0, 1)), 0)
  const hours = [0, 1, 2, 3].map((i) => ({ at: i * HOUR, count: i }))
  t.same(keepHour(hours), hours.slice(2))
  const readings = fc.array(fc.record({ at: fc.nat(), count: fc.nat(1000) }), { minLength: 1 })
  fc.assert(fc.property(readings, (all) => increase(keepHour(all.toSorted((a, b) => a.at - b.at))) >= 0))
})

t.test('commands', async (t) => {
  const ran = (
    stdout: string,
    code: number | null = 0,
    ended: 'exited' | 'flood' | 'aborted' = 'exited'
  ) => ({
    ...{ code, stdout, stderr: '', ended }
  })
  const number = { value: 'number', pattern: null, ...bounds } as const
  t.match(judgeCommand(ran('load is 3.5 now'), 0, number), { result: 'warn', value: 3.5 })
  t.match(judgeCommand(ran('a -2e1'), 0, number), { value: -20 })
  t.match(judgeCommand(ran('none'), 0, number), { result: 'unknown' })
  t.match(judgeCommand(ran('a=1\nb=4'), 0, { ...number, pattern: 'b=(\\d+)' }), { result: 'fail', value: 4 })
  t.match(judgeCommand(ran('b=x'), 0, { ...number, pattern: 'b=(\\w+)' }), { result: 'unknown' })
  t.match(judgeCommand(ran('no'), 0, { ...number, pattern: 'b' }), { result: 'fail' })
  t.match(judgeCommand(ran(''), 3, { ...number, value: 'duration' }), { result: 'warn', value: 3 })
  t.match(judgeCommand(ran('5', 1), 0, number), { result: 'fail', value: null }, 'the exit code comes first')
  for (const ended of ['flood', 'aborted'] as const)
    t.match(judgeCommand(ran('5', null, ended), 0, number), { result: 'unknown' })
})

t.test('the journal', async (t) => {
  const wanted = { priority: 3, patterns: ['panic'], ignore: ['noise'] }
  const record = (PRIORITY: string | undefined, MESSAGE: unknown, cursor = 'c') =>
    JSON.stringify({ PRIORITY, MESSAGE, __CURSOR: cursor, __REALTIME_TIMESTAMP: '1000000' })
  const lines = [
    ...[
      record('3', 'a'),
      record('6', 'b'),
      record('6', 'a panic'),
      record('2', 'noise'),
      record(undefined, 'x')
    ],
    ...[
      record('3', [104, 105]),
      record('3', null),
      'not json',
      '[]',
      'null',
      record('0', 'last', 'end').slice(0, -1)
    ]
  ]
  const read = readRecords([...lines, record('7', 'z', 'newest')].join('\n'), wanted)
  t.same(read, { cursor: 'newest', times: [1000, 1000, 1000, 1000], samples: ['a', 'a panic', 'hi'] })
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(readRecords(text, wanted).times)))
  t.match(
    journalCommand({ cursor: null, unit: null, priority: 3 }).join(' '),
    /--since=-1h --lines=2000 --priority=3$/
  )
  t.match(
    journalCommand({ cursor: 's=1;i=2', unit: 'a', priority: null }).join(' '),
    /--after-cursor=s=1;i=2 --lines=\+2000 --unit=a$/
  )
})

t.test('resources', async (t) => {
  const space = { path: '/x', bounds: { warn: 0.8, fail: 0.9 }, minFree: null }
  t.match(judgeSpace({ ...space, total: 100, free: 15 }), { result: 'warn', value: 0.85 })
  t.match(judgeSpace({ ...space, total: 100, free: 50, minFree: 60 }), { result: 'fail' })
  t.match(
    judgeSpace({ ...space, total: 0, free: 0 }),
    { result: 'pass', value: null },
    'btrfs has no inodes to count'
  )
  t.equal(amount(1023), '1023')
  t.equal(amount(1536), '1.5 Ki')
  t.match(judgeMemory('MemTotal:  1000 kB\nMemAvailable:  100 kB\n', { warn: 0.8, fail: 0.95 }), {
    result: 'warn',
    value: 0.9
  })
  t.equal(judgeMemory('MemTotal: 0 kB', bounds).result, 'unknown')
  t.match(judgeLoad('1.00 8.00 3.00 1/2 3', 2, bounds), { result: 'fail', value: 4 })
  t.equal(judgeLoad('', 2, bounds).result, 'unknown')
  t.match(judgeTemperatures([41_000, 92_500], { warn: 85, fail: 95 }), { result: 'warn', value: 92.5 })
  t.equal(judgeTemperatures([], bounds).result, 'unknown')
  t.same(
    [judgeSync('yes\n'), judgeSync('no\n'), judgeSync('')].map(({ result }) => result),
    ['pass', 'fail', 'unknown']
  )
})

t.test('secrets are judged by what lstat tells', async (t) => {
  const seen = { mode: 0o100400, uid: 0, gid: 5, size: 3, isFile: () => true, isSymbolicLink: () => false }
  const users = parseNumbers('root:x:0:0::/root:/bin/sh\nbad line\nalice:x:1000:1000\n')
  const groups = parseNumbers('keys:x:5:\n')
  const wanted = { path: '/s', owner: 'root', group: 'keys', mode: '400' }
  const flaw = (over: object = {}, found: object | string = {}) =>
    flawOf({ ...wanted, ...over }, typeof found === 'string' ? found : { ...seen, ...found }, users, groups)
  t.equal(flaw(), null)
  t.equal(flaw({ owner: '0', group: '5', mode: '0400' }), null)
  t.match(flaw({ owner: 'alice' }), /belongs to user 0/)
  t.match(flaw({ owner: 'nobody-here' }), /belongs to user 0/, 'an owner that does not exist')
  t.match(flaw({ group: 'root' }), /belongs to group 5/)
  t.match(flaw({ mode: '440' }), /mode 0400/)
  t.match(flaw({}, { mode: 0o104400 }), /mode 4400/)
  t.match(flaw({}, { size: 0 }), /empty/)
  t.match(flaw({}, { isSymbolicLink: () => true }), /link/)
  t.match(flaw({}, { isFile: () => false }), /no file/)
  t.match(flaw({}, 'ENOENT'), /missing \(ENOENT\)/)
})

t.test('the network', async (t) => {
  const wanted = { status: [200], contains: 'ok', ...bounds }
  t.match(judgeAnswer({ status: 200, body: 'all ok' }, 3, wanted), { result: 'warn', value: 3 })
  t.match(judgeAnswer({ status: 301, body: 'ok' }, 0, wanted), { result: 'fail', message: /301/ })
  t.match(judgeAnswer({ status: 200, body: 'no' }, 0, wanted), { result: 'fail' })
  t.same(valuesOf(['1.2.3.4', ['a', 'b'], { name: 'srv', port: 1 }, { exchange: 'mx' }]), [
    '1.2.3.4',
    'ab',
    'srv',
    'mx'
  ])
  t.equal(judgeAnswers(['a'], ['a']), null)
  t.match(judgeAnswers(['a'], ['b']), { result: 'fail' })
  t.match(judgeAnswers([], []), { result: 'fail' })
  const trip = (peer: string, there: number | string, back: true | string | null = null) => ({
    peer,
    there,
    back
  })
  t.match(judgeTrips([trip('a', 1), trip('b', 3, true)], bounds), { result: 'warn', value: 3 })
  t.match(judgeTrips([trip('a', 1), trip('b', 'gone')], bounds), {
    result: 'fail',
    value: 1,
    message: 'b: gone'
  })
  t.match(judgeTrips([trip('a', 1, 'no')], bounds), { result: 'fail', message: /a does not reach us: no/ })
  const target = { host: 'cinnabar', port: 2222, login: 'alice', identityFile: '/k', knownHostsFile: '/h' }
  const argv = sshCommand(target, ['true'])
  for (const part of [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UserKnownHostsFile=/h',
    'IdentitiesOnly=yes'
  ])
    t.ok(argv.includes(part), part)
  t.same(argv.slice(-3), ['--', 'cinnabar', 'true'])
})

t.test('certificates, generations and boots', async (t) => {
  const days = { warnDays: 21, failDays: 7 }
  const day = 86_400_000
  t.match(judgeExpiry(30 * day, 0, days), { result: 'pass', value: (30 * day) / 1000 })
  t.equal(judgeExpiry(20 * day, 0, days).result, 'warn')
  t.equal(judgeExpiry(6 * day, 0, days).result, 'fail')
  t.match(judgeExpiry(-day, 0, days), { result: 'fail', message: /-1 days/ })
  t.equal(judgeExpiry(Number.NaN, 0, days).result, 'unknown')
  t.same(await endsOf('no certificate'), [])
  const state = {
    profile: 'system',
    number: 1,
    storePath: 'a',
    running: 'a',
    booted: 'a',
    bootDefault: 'a'
  } as const
  t.equal(judgeDrift({ ...state, drift: false }).result, 'pass')
  t.match(judgeDrift({ ...state, running: 'b', drift: true }), { result: 'fail', message: /running/ })
  t.match(judgeDrift({ ...state, bootDefault: 'b', drift: true }), { result: 'fail', message: /boots next/ })
  t.equal(judgeDrift({ ...state, running: null, drift: false }).result, 'unknown')
  for (const memory of [
    null,
    undefined,
    3,
    {},
    { bootId: 1 },
    { bootId: 'a', orderly: true, unexpected: 'x' }
  ])
    t.equal(readBoots(memory), null)
  const crashed = nextBoots(nextBoots(null, 'one', 0), 'two', 5000)
  t.match(judgeBoots(crashed, 6000, 60), { result: 'fail', value: 1 })
  t.match(judgeBoots(crashed, 5000 + 60_000, 60), { result: 'pass', value: 0 }, 'it is forgotten in time')
  let many = crashed
  for (let i = 0; i < 100; i++) many = nextBoots(many, `boot-${i}`, i)
  t.equal(many.unexpected.length, 20, 'bounded')
})
