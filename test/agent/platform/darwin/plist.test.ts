import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { PlistValue } from '../../../../agent/platform/darwin/plist.ts'
import { parsePlist, writePlist } from '../../../../agent/platform/darwin/plist.ts'
import { runCommand } from '../../../../shared/command.ts'

const wrap = (inside: string) => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">${inside}</plist>
`

const text = fc.string({ unit: 'grapheme' }).filter((each) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has none of these
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udfff](?![\udc00-\udfff])/.test(each)
})
const { value } = fc.letrec<{ value: PlistValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true })
  )
}))

t.test('what is written is read again, the same', async (t) => {
  fc.assert(
    fc.property(value, (each) => t.strictSame(parsePlist(writePlist(each)), each)),
    { numRuns: 300 }
  )
})

t.test('any text is read or refused, and nothing else happens', async () => {
  const pieces = fc.constantFrom(
    '<dict>',
    '</dict>',
    '<key>',
    '</key>',
    '<array/>',
    '<true/>',
    '&amp;',
    '&#x41;',
    '<![CDATA['
  )
  const soup = fc.array(fc.oneof(fc.string(), pieces)).map((all) => wrap(all.join('')))
  fc.assert(
    fc.property(fc.oneof(fc.string(), soup), (each) => {
      try {
        parsePlist(each)
        return true
      } catch (error) {
        return (error as { code?: string }).code === 'invalid-plist'
      }
    }),
    { numRuns: 1000 }
  )
})

t.test('what launchd and nix-darwin write', async (t) => {
  t.strictSame(parsePlist(readFileSync('launchd/org.nixos.belay-agent.plist', 'utf8')), {
    Label: 'org.nixos.belay-agent',
    ProgramArguments: [
      '/bin/sh',
      '-c',
      '/bin/wait4path /run/current-system/sw/bin/belay-agent && exec /run/current-system/sw/bin/belay-agent serve'
    ],
    EnvironmentVariables: {
      HOME: '/var/root',
      PATH: '/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:/usr/bin:/bin:/usr/sbin:/sbin'
    },
    ExitTimeOut: 30,
    KeepAlive: true,
    RunAtLoad: true,
    StandardErrorPath: '/var/log/belay-agent.log',
    StandardOutPath: '/var/log/belay-agent.log',
    ThrottleInterval: 5
  })
  t.strictSame(parsePlist(wrap('<dict><key/><string/><key>d</key><data>AAEC</data></dict>')), {
    '': '',
    d: 'AAEC'
  })
  t.strictSame(parsePlist(wrap('<array><date>2026-01-01T00:00:00Z</date><real>1.5</real></array>')), [
    '2026-01-01T00:00:00Z',
    1.5
  ])
  t.strictSame(
    parsePlist(wrap('<string>a<!-- no --> &lt;&#x1F600;&#10;<![CDATA[<b>&]]></string>')),
    'a <😀\n<b>&'
  )
  t.strictSame(Object.keys(parsePlist(wrap('<dict><key>__proto__</key><true/></dict>'))), ['__proto__'])
})

t.test('what is no property list is refused', async (t) => {
  for (const bad of [
    '',
    'bplist00',
    wrap(''),
    wrap('<true/><true/>'),
    wrap('<dict><string>no key</string></dict>'),
    wrap('<dict><key>a</key></dict>'),
    wrap('<integer>x</integer>'),
    wrap('<integer></integer>'),
    wrap('<string>&nbsp;</string>'),
    wrap('<string>&constructor;</string>'),
    wrap('<string>&#x110000;</string>'),
    wrap('<string id="1">a</string>'),
    wrap('<array></dict>'),
    wrap('<true>1</true>'),
    wrap('<script/>'),
    `${'<plist version="1.0">'}${'<array>'.repeat(40)}${'</array>'.repeat(40)}</plist>`,
    '<!DOCTYPE plist [<!ENTITY a "b">]><plist version="1.0"><string>&a;</string></plist>',
    wrap('<string>unfinished')
  ])
    t.throws(() => parsePlist(bad), { code: 'invalid-plist' }, bad.slice(0, 60))
  t.throws(() => writePlist('\u0000'), { code: 'invalid-plist' })
})

t.test('another reader sees the same', async (t) => {
  const script =
    'import json,plistlib,sys; print(json.dumps([plistlib.loads(x.encode("utf-8","surrogatepass")) for x in json.load(sys.stdin)]))'
  if ((await runCommand(['python3', '-c', 'import plistlib'], { timeoutMs: 10_000 })).code !== 0)
    return void t.pass('there is no Python here', { skip: 'no python3' })
  const samples = fc.sample(value, { numRuns: 100, seed: 7 })
  const input = JSON.stringify(samples.map(writePlist))
  const { stdout } = await runCommand(['python3', '-c', script], { timeoutMs: 30_000, input })
  // A carriage return of its own is all that a reader of XML may change; it is written as a reference.
  t.strictSame(JSON.parse(stdout), JSON.parse(JSON.stringify(samples)))
})
