import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs tap on the given files (all by default), lists every failure, and closes with one plain line of tap's totals. */
const dir = mkdtempSync(join(tmpdir(), 'belay-test-'))
const output = join(dir, 'results.tap')
const argv = ['run', '--reporter', 'terse', '--output-file', output, ...process.argv.slice(2)]
const run = spawnSync('node_modules/.bin/tap', argv, { stdio: 'inherit' })
const results = readFileSync(output, 'utf8')
rmSync(dir, { recursive: true })

// tap's reporter leaves some out, such as a process that ended badly behind its last assertion.
for (const [, point] of results.matchAll(/^ *(not ok .*)$/gm)) console.log(point)
const totals = /^# \{ (total: .*) \}$/m.exec(results)?.[1] ?? ''
const count = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0)
const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip') + count('todo')]
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
const skippedInCi = process.env.CI === 'true' && skipped > 0
process.exitCode = run.status !== 0 || passed === 0 || failed > 0 || skippedInCi ? 1 : 0
