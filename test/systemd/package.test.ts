import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkout, lock, urlOf } from './module.ts'

const read = (file: string) => readFileSync(join(checkout, file), 'utf8')
const modules = Object.entries(lock.packages).filter(([path]) => path !== '')

t.test('the lock has what nix/package.nix takes from it', async (t) => {
  for (const [path, module] of modules) {
    t.match(module.integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, `${path}: one hash`)
    t.notOk(module.name, `${path}: under its own name`)
    if (module.resolved !== undefined) t.equal(module.resolved, urlOf(path, module.version), path)
  }
})

t.test('no package of the bundle needs its install script', async (t) => {
  const scripts = modules.filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev)
  t.same(scripts, [])
})

t.test("esbuild's program is in the lock for every platform of the flake", async (t) => {
  for (const platform of ['linux-x64', 'linux-arm64']) {
    t.ok(lock.packages[`node_modules/@esbuild/${platform}`], platform)
  }
})

t.test('the agent runs with the flags that it is compiled for, and that the tests run it with', async (t) => {
  const flags = /flags = "(--[^"]*)";/.exec(read('nix/package.nix'))?.[1]
  t.ok(flags)
  t.match(read('scripts/build.ts'), `'${flags}'`)
  for (const builder of ['generations/build/agent.sh', 'darwin/agent.sh'])
    t.match(read(`test/fixtures/${builder}`), `/opt/belay/node ${flags} %s`, builder)
})
