import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { applyAllowed } from '../../../controller/leaks/allow.ts'
import { scanPaths } from '../../../controller/leaks/scan-closure.ts'
import { rootPath } from '../../fleet/root.ts'

const { signal } = new AbortController()
const modules = resolve(import.meta.dirname, '../../../node_modules')
/** Where there are no 2,000 store paths: the packages of npm that this tree needs, and a whole small Debian. */
const corpora = {
  'the packages of npm': [modules],
  'a Debian': [join(rootPath(), 'usr'), join(rootPath(), 'etc')]
}

for (const [name, folders] of Object.entries(corpora)) {
  const skip = folders.every(existsSync) ? false : `${folders[0]} is missing: run \`npm run setup\``
  t.test(`no false alarm in ${name}`, { skip }, async (t) => {
    const packages = folders.flatMap((folder) => readdirSync(folder).map((each) => join(folder, each)))
    const { found, files } = await scanPaths(packages, [], signal)
    t.same(applyAllowed(found, []).leaks, [])
    t.ok(files > 2000, `${files} files`)
  })
}
