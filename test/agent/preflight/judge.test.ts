import fc from 'fast-check'
import t from 'tap'
import { holdsLock, SWITCH_LOCK, SWITCH_UNIT } from '../../../agent/platform/nixos/switching.ts'
import { executableOf, judgeRun } from '../../../agent/preflight/agent-runs.ts'
import { judgeBaseline } from '../../../agent/preflight/baseline.ts'
import { judgeBoot, judgeEntry, mountOf } from '../../../agent/preflight/boot.ts'
import { judgeReboot } from '../../../agent/preflight/candidate.ts'
import { judgeClock } from '../../../agent/preflight/clock.ts'
import { judgeOthers } from '../../../agent/preflight/other-activation.ts'
import {
  judgeHold,
  judgeSecondWay,
  judgeUsers,
  judgeWindow,
  parseSessions,
  parseWho
} from '../../../agent/preflight/people.ts'
import { isCopyOf, judgeRoom, size } from '../../../agent/preflight/space.ts'
import { judgeSignatures, judgeTrust, parseTrust } from '../../../agent/preflight/trust.ts'

const path = `/nix/store/${'a'.repeat(32)}-agent/bin/belay-agent`

t.test('the agent: which program it is, and what its end means', async (t) => {
  t.equal(executableOf(`ExecStart=${path} serve`), path)
  t.equal(executableOf(`ExecStart=${path} serve\nExecStart=\nExecStart=/bin/false`), null, 'the last counts')
  t.equal(executableOf(`ExecStart=-@${path} agent serve`), path)
  for (const bad of [
    '',
    'ExecStart=',
    `ExecStart=${path}%i x`,
    'ExecStart=/nix/store/$x y',
    `#ExecStart=${path}`
  ])
    t.equal(executableOf(bad), null, bad)
  const ran = (code: number | null, stdout: string, stderr = '') =>
    judgeRun({ executable: path, inClosure: true, result: { code, stdout, stderr } })
  t.match(ran(0, '0.1.0\n'), { result: 'pass' })
  t.match(ran(0, 'hello\n'), { result: 'fail', code: 'agent-broken' }, 'some other program')
  t.match(ran(1, '', 'this agent is broken'), { result: 'fail', evidence: /this agent is broken/ })
  t.match(ran(203, ''), { result: 'fail' }, 'no program at all')
  t.match(ran(226, ''), { result: 'unknown' }, 'no namespace to try it in')
  t.match(ran(1, '', 'Failed to connect to bus'), { result: 'unknown' })
  t.match(judgeRun({ executable: path, inClosure: false, result: null }), { result: 'fail' })
  t.match(judgeRun({ executable: null, inClosure: false, result: null }), { result: 'unknown' })
})

t.test('hold, window, second way', async (t) => {
  t.match(judgeHold(null), { result: 'pass' })
  const hold = { reason: 'travel', principal: 'x', at: '2026-01-01T00:00:00Z', operation: null }
  t.match(judgeHold(hold), { result: 'fail', code: 'held', evidence: /travel/ })
  const sunday = [{ days: ['sun' as const], from: '02:00', to: '04:00', timeZone: 'UTC' }]
  const [open, shut] = [Date.parse('2026-01-04T03:00:00Z'), Date.parse('2026-01-05T03:00:00Z')]
  t.match(judgeWindow([], shut, null), { result: 'pass' })
  t.match(judgeWindow(sunday, open, null), { result: 'pass' })
  const refused = { result: 'fail', code: 'outside-window', evidence: /2026-01-11T02:00:00.000Z/ }
  t.match(judgeWindow(sunday, shut, null), refused, 'it says when the next opens')
  t.match(judgeWindow(sunday, shut, 'operate socket'), { result: 'warn', evidence: /operate socket/ })
  t.match(judgeSecondWay({ physicalAccess: true, secondWayIn: null }), { result: 'pass' })
  t.match(judgeSecondWay({ physicalAccess: false, secondWayIn: 'serial' }), { result: 'pass' })
  t.match(judgeSecondWay({ physicalAccess: false, secondWayIn: null }), { code: 'no-second-way' })
})

t.test('people and the clock, as strict as the setting', async (t) => {
  const sessions =
    '[{"user":"alice","class":"user"},{"user":"bob","class":"manager"},{"user":"root","class":"user"}]'
  t.same(parseSessions(sessions), ['alice'])
  t.same(parseSessions('[{"user":"alice"},{"user":"alice"}]'), ['alice'], 'older ones tell no class')
  t.equal(parseSessions('SESSION UID USER\n'), null)
  t.same(parseWho('alice pts/0 2026\nroot tty1\n'), ['alice'])
  t.match(judgeUsers(null, 'fail'), { result: 'unknown' })
  t.match(judgeUsers([], 'fail'), { result: 'pass' })
  t.match(judgeUsers(['alice'], 'warn'), { result: 'warn', code: null })
  t.match(judgeUsers(['alice'], 'fail'), { result: 'fail', code: 'users-logged-in' })
  t.match(judgeClock('yes', '', 'fail'), { result: 'pass' })
  t.match(judgeClock('no', '', 'warn'), { result: 'warn' })
  t.match(judgeClock('no', '', 'fail'), { code: 'clock-not-synchronised' })
  t.match(judgeClock(null, 'no bus', 'fail'), { result: 'unknown', evidence: /no bus/ })
})

t.test('room: bytes and inodes', async (t) => {
  const of = { where: '/boot', need: 10, margin: 5, inodes: 3, remedy: 'make room' }
  t.match(judgeRoom({ ...of, room: { bytes: 15, inodes: 3 } }), { result: 'pass' })
  t.match(judgeRoom({ ...of, room: { bytes: 14, inodes: 3 } }), { result: 'fail', code: 'no-space' })
  t.match(judgeRoom({ ...of, room: { bytes: 15, inodes: 2 } }), { result: 'fail', code: 'no-space' })
  t.match(judgeRoom({ ...of, room: { bytes: 15, inodes: null } }), { result: 'pass' }, 'no inodes to count')
  t.same([0, 1023, 1024, 2 ** 40 * 3].map(size), ['0 B', '1023 B', '1.0 KiB', '3.0 TiB'])
  const kernel = `/nix/store/${'k'.repeat(32)}-linux-6.12/bzImage`
  t.ok(isCopyOf(kernel, `${'k'.repeat(32)}-linux-6.12-bzImage.efi`))
  t.ok(isCopyOf(kernel, `${'k'.repeat(32)}-linux-6.12-bzImage`))
  t.notOk(isCopyOf(kernel, `${'o'.repeat(32)}-linux-6.12-bzImage.efi`))
})

t.test('trust and signatures', async (t) => {
  const [a, b] = ['a-1:AAAA', 'b-1:BBBB']
  t.same(parseTrust(`trusted-public-keys = ${a}\nextra-trusted-public-keys = ${b} # more\n`).keys, [a, b])
  t.equal(parseTrust('').keys.length, 1, "Nix's own")
  t.equal(parseTrust('require-sigs = false').requireSigs, false)
  const of = (keys: string[], requireSigs = true) => ({ keys, requireSigs })
  t.match(judgeTrust(of([a]), of([a, b]), 'fail'), { result: 'pass', evidence: /in addition b-1/ })
  t.match(judgeTrust(of([a, b]), of([b]), 'warn'), { result: 'warn', evidence: /a-1/ })
  t.match(judgeTrust(of([a]), of([a], false), 'fail'), { code: 'trust-lost' })
  const settings = { signaturesNeeded: 1, publicKeys: [a], onLoss: 'warn' as const }
  const verified = (code: number | null) =>
    judgeSignatures(
      { code, stderr: "path 'x' is untrusted", topLevelBy: code === 0 ? ['a-1'] : null },
      settings
    )
  t.same(
    [0, 1, 2, 3, 4, 6, null].map((code) => verified(code).result),
    [...['pass', 'fail', 'fail', 'fail', 'unknown', 'fail', 'unknown']]
  )
  t.match(judgeSignatures(null, { ...settings, signaturesNeeded: 0 }), { result: 'pass' })
  t.match(judgeSignatures(null, { ...settings, publicKeys: [] }), { code: 'unsigned' })
  const byContent = { code: 0, stderr: '', topLevelBy: [] }
  t.match(
    judgeSignatures(byContent, settings),
    { code: 'unsigned', evidence: /top level has 0 of 1/ },
    'Nix is content with what is addressed by its content; the host is not'
  )
  t.match(judgeSignatures({ ...byContent, topLevelBy: ['a-1'] }, { ...settings, signaturesNeeded: 2 }), {
    code: 'unsigned'
  })
})

t.test('what only a reboot brings', async (t) => {
  const causes = [{ what: 'kernel', from: 'a', to: 'b' }]
  const need = { required: false, recommended: true, causes }
  t.match(judgeReboot({ ...need, recommended: false, causes: [] }, 'switch'), { result: 'pass' })
  t.match(judgeReboot(need, 'switch'), { result: 'warn', evidence: /kernel: a -> b/ })
  t.match(judgeReboot({ ...need, required: true }, 'switch'), { code: 'reboot-required' })
  for (const mode of ['boot', 'auto'] as const)
    t.match(judgeReboot({ ...need, required: true }, mode), { result: 'pass' }, mode)
})

t.test('others: our operations, the unit, the lock', async (t) => {
  t.match(judgeOthers({ operation: null, switcher: null }), { result: 'pass' })
  const refused = (evidence: RegExp, remedy: RegExp) => ({ code: 'operation-running', evidence, remedy })
  t.match(judgeOthers({ operation: 'x', switcher: null }), refused(/x has not ended/, /belay-agent status/))
  const byUnit = judgeOthers({ operation: null, switcher: SWITCH_UNIT })
  t.match(byUnit, refused(/\.service runs/, /systemctl status/))
  t.match(judgeOthers({ operation: null, switcher: SWITCH_LOCK }), refused(/\.lock is held/, /lslocks/))
  const file = { dev: 0x1a, ino: 1234 }
  t.ok(holdsLock('1: FLOCK  ADVISORY  WRITE 77 00:1a:1234 0 EOF\n', file))
  t.notOk(holdsLock('1: FLOCK  ADVISORY  WRITE 77 00:1a:12345 0 EOF\n', file))
  t.notOk(holdsLock('1: -> FLOCK  ADVISORY  WRITE 77 00:1a:1234 0 EOF\n', file), 'waits for it')
})

t.test('the baseline and the boot partition', async (t) => {
  const fine = { running: '/r', incomplete: null, hashed: { code: 0, said: '', whole: false }, roots: ['/g'] }
  t.match(judgeBaseline(fine), { result: 'pass' })
  t.match(judgeBaseline({ ...fine, roots: [] }), { result: 'warn' })
  t.match(judgeBaseline({ ...fine, incomplete: 'gone' }), { code: 'baseline-broken' })
  t.match(judgeBaseline({ ...fine, hashed: { code: 1, said: 'modified', whole: false } }), {
    code: 'baseline-broken'
  })
  t.match(judgeBaseline({ ...fine, hashed: { code: 4, said: '', whole: true } }), { result: 'unknown' })
  t.match(judgeBaseline({ ...fine, hashed: { code: null, said: '', whole: true } }), { result: 'unknown' })
  t.match(judgeEntry(null, '/r'), { result: 'unknown' })
  t.match(judgeEntry({ loader: 'GRUB', has: true }, '/r'), { result: 'pass', evidence: /GRUB/ })
  t.match(judgeEntry({ loader: 'GRUB', has: false }, '/r'), { code: 'baseline-not-bootable' })
  const mount = (readOnly: boolean) => ({ at: '/boot', readOnly })
  t.match(judgeBoot({ boot: '/boot', mount: mount(true), probed: null }), { code: 'boot-not-writable' })
  t.match(judgeBoot({ boot: '/boot', mount: mount(false), probed: null }), { result: 'pass' })
  t.match(judgeBoot({ boot: '/boot', mount: mount(false), probed: 'EROFS' }), { code: 'boot-not-writable' })
  t.match(judgeBoot({ boot: '/boot', mount: null, probed: true }), { result: 'unknown' })
  const info = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/a rw',
    '30 22 8:2 / /boot rw,relatime - vfat /dev/b rw',
    '31 30 8:2 / /boot ro,relatime - vfat /dev/b rw',
    '32 22 8:3 / /my\\040boot rw - ext4 /dev/c ro'
  ].join('\n')
  t.same(mountOf(info, '/boot/loader'), { at: '/boot', readOnly: true }, 'the last of two on one place')
  t.same(mountOf(info, '/bootx'), { at: '/', readOnly: false })
  t.same(mountOf(info, '/my boot'), { at: '/my boot', readOnly: true }, 'read-only as a whole')
})

t.test('no text makes a reader throw', async (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const read of [executableOf, parseSessions, parseWho, parseTrust]) read(text)
      mountOf(text, '/boot')
      holdsLock(text, { dev: 1, ino: 1 })
    })
  )
  t.pass()
})
