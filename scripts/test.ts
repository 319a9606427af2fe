import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs tap on the given files (all by default) and closes with one plain line of tap's own totals. */
const dir = mkdtempSync(join(tmpdir(), 'belay-test-'))
const output = join(dir, 'results.tap')
const run = spawnSync(
  'tap',
  ['run', '--reporter', 'terse', '--output-file', output, ...process.argv.slice(2)],
  {
    stdio: 'inherit'
  }
)
const line = /^# \{ (total: .*) \}$/m.exec(readFileSync(output, 'utf8'))?.[1] ?? ''
rmSync(dir, { recursive: true })
const count = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0)
const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip') + count('todo')]
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
const skippedInCi = process.env.CI === 'true' && skipped > 0
process.exitCode = run.status !== 0 || passed === 0 || failed > 0 || skippedInCi ? 1 : 0
