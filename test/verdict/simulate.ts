import { durations, rates } from './kinds.ts'
import type { Kind } from './simulation.ts'
import { missed, quietSoaks } from './simulation.ts'

/** Prints the table of docs/verdict.md: `npm run simulate [-- RUNS [PART OF A TITLE [FIRST SEED]]]`. */
const runs = Number(process.argv[2] ?? 200)
const first = Number(process.argv[4] ?? 0)
const percent = (share: number) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`

console.log(`${runs} soaks of 20 checks for each line, from seed ${first} on.\n`)
console.log(
  '| History | Quiet: false NO-GO at any of 28 looks in 14 days | at the end | open day 7 | open day 14 | Change | missed after 24 h: from the start | from day 3 |'
)
console.log('|---|---|---|---|---|---|---|---|')
const wanted = ({ title }: Kind) => title.includes(process.argv[3] ?? '')
for (const kind of durations.filter(wanted)) row(kind, 1.3, '+30 %')
for (const kind of rates.filter(wanted)) row(kind, 2, 'doubled')

function row(kind: Kind, factor: number, change: string): void {
  const quiet = quietSoaks(kind, runs, first)
  const start = missed(kind, runs, { factor, from: 0, after: 24 }, first)
  const later = missed(kind, runs, { factor, from: 60, after: 24 }, first)
  const cells = [
    kind.title,
    percent(quiet.everFailed),
    percent(quiet.failedAtEnd),
    percent(quiet.openOnDay7),
    percent(quiet.openOnDay14),
    change,
    percent(start),
    percent(later)
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
