import { readFileSync } from 'node:fs'
import type { Locked, Manifest } from './supply-rules.ts'
import { judgeSupply } from './supply-rules.ts'

/** Checks that what we depend on is pinned by checksums, runs no scripts, and has licences that we may ship. */
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, Locked>
}
const { problems, shipped } = judgeSupply(
  JSON.parse(readFileSync('package.json', 'utf8')) as Manifest,
  packages
)
for (const problem of problems) console.error(problem)
console.log(`${Object.keys(packages).length - 1} packages pinned, ${shipped.length} of them shipped`)
if (problems.length > 0) process.exitCode = 1
