/** One package of the lock file. */
export interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

/** What is read of package.json. */
export interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  /** Packages whose scripts run when they are installed. */
  readonly allowScripts: Readonly<Record<string, boolean>>
}

/** Licences of what we ship. */
const allowed: ReadonlySet<string> = new Set([
  ...['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', '(MIT OR CC0-1.0)']
])

/** What is wrong with the packages that we depend on, and which of them are shipped. */
export function judgeSupply(
  { dependencies, devDependencies, allowScripts }: Manifest,
  packages: Readonly<Record<string, Locked>>
): { readonly problems: readonly string[]; readonly shipped: readonly string[] } {
  const problems: string[] = []
  for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies }))
    if (!/^\d+\.\d+\.\d+$/.test(wanted))
      problems.push(`package.json: ${name} is ${wanted}, wanted one exact version`)
  const locked = Object.entries(packages).filter(([path, { link }]) => path !== '' && !link)
  for (const [path, { version, resolved, integrity, license, dev, hasInstallScript }] of locked) {
    const name = path.replace(/^.*node_modules\//, '')
    const bad = (why: string) => problems.push(`${path} ${version}: ${why}`)
    if (!integrity?.startsWith('sha512-')) bad('no sha512 in the lock file')
    if (resolved !== undefined) bad(`it is from ${resolved}, wanted the registry that is configured`)
    if (hasInstallScript && allowScripts[name] !== true)
      bad('it runs a script when it is installed, and is not in allowScripts')
    if (!dev && (license === undefined || !allowed.has(license)))
      bad(`licence ${license ?? 'unknown'}, wanted one of ${[...allowed].join(', ')}`)
  }
  return { problems, shipped: locked.flatMap(([path, { dev }]) => (dev ? [] : [path])) }
}
