import { readFileSync } from 'node:fs'

/** Checks that every package of the lock file is pinned by a checksum and has a licence that we may ship. */
interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
}

const allowed: ReadonlySet<string> = new Set([
  ...['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', '(MIT OR CC0-1.0)']
])
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, Locked>
}
const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>
const problems: string[] = []
for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies }))
  if (!/^\d+\.\d+\.\d+$/.test(wanted))
    problems.push(`package.json: ${name} is ${wanted}, wanted one exact version`)
const shipped: string[] = []
for (const [path, { version, integrity, license, dev, link }] of Object.entries(packages)) {
  if (path === '' || link) continue
  if (!integrity?.startsWith('sha512-')) problems.push(`${path} ${version}: no sha512 in the lock file`)
  if (dev) continue
  shipped.push(path)
  if (license === undefined || !allowed.has(license))
    problems.push(
      `${path} ${version}: licence ${license ?? 'unknown'}, wanted one of ${[...allowed].join(', ')}`
    )
}
for (const problem of problems) console.error(problem)
console.log(`${Object.keys(packages).length - 1} packages pinned, ${shipped.length} of them shipped`)
if (problems.length > 0) process.exitCode = 1
