import t from 'tap'
import { cut, duration, firstLine, painter, shortPath, table } from '../../../../controller/cli/views/text.ts'
import { clean } from '../../../../shared/clean.ts'
import { storePath } from '../../fakes/fleet-host.ts'

t.test('text of others cannot touch the terminal', (t) => {
  t.equal(clean('a\u001b[2Jb\u0007c\rd\te\u009b1m'), 'ab c d e')
  // Overrides of the direction show "fail" where there is "liaf"; two more ends of a line.
  t.equal(
    clean('a\u202eliaf\u202c b\u2066c\u2069 d\u2028e\u2029f \u200fשלום'),
    'a liaf  b c  d e f \u200fשלום'
  )
  t.equal(firstLine('one\u001b[31m\ntwo'), 'one')
  t.end()
})

t.test('lengths and short forms', (t) => {
  t.same([0, 8.9, 65, 7380, 273_600, -1].map(duration), ['0s', '8s', '1m05s', '2h03m', '3d04h', '0s'])
  t.equal(cut('abcdef', 4), 'abc…')
  t.equal(cut('abcd', 4), 'abcd')
  t.equal(cut('abcd', 0), '')
  t.equal(shortPath(storePath('b')), 'bbbbbbb…-nixos-system-cinnabar')
  t.end()
})

t.test('a table has columns as wide as needed, coloured or not', (t) => {
  const rows = [
    [{ text: 'cinnabar' }, { text: 'yes', format: 'green' as const }],
    [{ text: 'a' }, { text: '' }]
  ]
  t.equal(table(['HOST', 'UP'], rows, painter(false)), 'HOST      UP\ncinnabar  yes\na\n')
  t.match(table(['HOST', 'UP'], rows, painter(true)), '\u001b[32myes\u001b[39m')
  t.end()
})

t.test('on a terminal the last column has several lines, while enough is left for it', (t) => {
  const rows = [
    [{ text: 'cinnabar' }, { text: 'the quick brown fox jumps over it', format: 'green' as const }]
  ]
  const narrow = table(['HOST', 'WHY'], rows, painter(false, 36))
  t.equal(narrow, 'HOST      WHY\ncinnabar  the quick brown fox jumps\n          over it\n')
  t.match(
    table(['HOST', 'WHY'], rows, painter(true, 36)),
    ' '.repeat(10).concat('\u001b[32mover it\u001b[39m')
  )
  t.equal(
    table(['HOST', 'WHY'], rows, painter(false, 33)).split('\n').length,
    3,
    'one line: too little is left'
  )
  t.end()
})
