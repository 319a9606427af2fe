import { stripVTControlCharacters, styleText } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { humanPlan } from '../../../shared/plan/human.ts'
import type { Paint } from '../../../shared/plan/layout.ts'
import { layRows, size, sizeDifference, wrap } from '../../../shared/plan/layout.ts'
import { markdownPlan } from '../../../shared/plan/markdown.ts'
import { samplePlan } from '../plans.ts'

const none: Paint = (_, text) => text
const colours: Paint = (format, text) => styleText(format, text, { validateStream: false })
const show = (columns: number, all = false, paint = none) => humanPlan(samplePlan(), { paint, columns, all })

t.test('it looks like this, wide and narrow', async (t) => {
  t.matchSnapshot(show(120), 'wide')
  t.matchSnapshot(show(60), 'narrow')
  t.matchSnapshot(show(100, true), 'all')
})

t.test('colours change nothing but colours', async (t) => {
  const painted = show(120, false, colours)
  t.not(painted, show(120))
  t.equal(stripVTControlCharacters(painted), show(120))
})

t.test('no line is longer than the terminal, but for the hash', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 50, max: 200 }), fc.boolean(), (columns, all) =>
      show(columns, all)
        .split('\n')
        .filter((line) => !line.startsWith('Hash') && !/^ {4}[ +@-]/.test(line))
        .every((line) => [...line].length <= columns)
    )
  )
})

t.test('what is left out is counted', async (t) => {
  const services = Array.from({ length: 50 }, (_, i) => ({
    unit: `s${i}.service`,
    change: 'changed' as const,
    action: 'restart' as const,
    whenRunning: 'restart' as const,
    reason: 'its definition changes'
  }))
  const of = (all: boolean) => humanPlan({ ...samplePlan(), services }, { paint: none, columns: 80, all })
  t.match(of(false), /Services {3}50 restarted\n/)
  t.match(of(false), /… and 30 more \(--all\)/)
  t.notMatch(of(true), /more \(--all\)/)
})

t.test('a host cannot move the cursor or forge a line', async (t) => {
  const hostile = '\u001b[2Jx\nHash     0\r\u0007'
  const plan = samplePlan()
  const text = humanPlan(
    {
      ...plan,
      host: hostile,
      packages: plan.packages.map((p) => ({ ...p, name: hostile, after: [hostile] })),
      services: plan.services.map((s) => ({ ...s, unit: hostile, reason: hostile })),
      files: plan.files.map((f) => ({ ...f, path: hostile, diff: `a\nb\n+${hostile}`, note: hostile })),
      secrets: plan.secrets.map((s) => ({ ...s, name: hostile, what: [hostile] })),
      reboot: { ...plan.reboot, causes: [{ what: hostile, from: hostile, to: hostile }] },
      notCovered: [{ code: 'data', text: hostile }]
    },
    { paint: none, columns: 100, all: true }
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  t.equal(text.split('\n').filter((line) => line.startsWith('Hash')).length, 1)
})

t.test('sizes, columns and lines', async (t) => {
  t.same([0, 1023, 1024, 1536, 1024 ** 2 - 1, 18.3 * 1024 ** 3].map(size), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '1.0 MiB',
    '18.3 GiB'
  ])
  t.same([0, 2048, -2048].map(sizeDifference), ['', '+2.0 KiB', '−2.0 KiB'])
  t.same(
    layRows(
      [
        ['a', 'bb'],
        ['ccc', '']
      ],
      80,
      none
    ),
    ['  a    bb', '  ccc']
  )
  t.same(layRows([['x', 'y'.repeat(50)]], 30, none), [`  x  ${'y'.repeat(24)}…`])
  t.same(wrap('aa bb cc', 5), ['aa bb', 'cc'])
})

t.test('what an activation of nix-darwin changes besides', async (t) => {
  const macos = {
    applications: [{ name: 'Emacs.app', change: 'changed' as const }],
    defaults: [{ name: 'com.apple.dock autohide', change: 'added' as const }]
  }
  const text = humanPlan({ ...samplePlan(), macos }, { paint: none, columns: 100, all: false })
  t.match(text, /^Apps +1 changed\n +~ +Emacs\.app$/m)
  t.match(text, /^Settings +1 added\n +\+ +com\.apple\.dock autohide$/m)
  t.match(markdownPlan({ ...samplePlan(), macos }), /Applications \(1\).*`Emacs\.app`.*Settings \(1\)/s)
})
