import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { COMPILED, compiledFile, loader, scriptOf } from '../../../scripts/bundle/load.ts'
import { VERSION } from '../../../shared/version.ts'

const checkout = resolve(import.meta.dirname, '../../..')
const tell = join(import.meta.dirname, 'tell.ts')
const packaged =
  /flags = "(--[^"]*)";/.exec(readFileSync(join(checkout, 'nix/package.nix'), 'utf8'))?.[1] ?? ''
const flags = packaged.split(' ')
const bare = { cwd: '/', encoding: 'utf8' } as const

/** A command line of Node that gets no variables but those named: tap gives its own to every Node that is started. */
const clean = (argv: readonly string[], ...variables: readonly string[]) =>
  ['-i', ...variables, process.execPath, ...argv] as const

/** Lines that a bundle prints, and what became of the compiled code of each of its files. */
function run(directory: string, argv: readonly string[] = [], flagsOfNode: readonly string[] = flags) {
  const said = execFileSync('env', clean([...flagsOfNode, tell, directory, 'main.js', ...argv]), bare)
  const lines = said.trim().split('\n')
  return { files: JSON.parse(lines.pop() ?? '{}') as Record<string, string>, lines }
}

/** A bundle of two files, of which one requires the other, and with what V8 made of them under the flags of the package. */
function smallBundle(t: Test): string {
  const directory = t.testdir({
    'main.js':
      'const { twice } = require("./twice.js"); console.log(twice(21), typeof require("node:fs").read)',
    'twice.js': 'exports.twice = (n) => { if (n > 1000) return null; return n * 2 }'
  })
  compileAll(directory)
  return directory
}

function compileAll(directory: string): void {
  const script = `
    const { COMPILED, compiledFile, scriptOf } = await import(${JSON.stringify(join(checkout, 'scripts/bundle/load.ts'))})
    const { readFileSync, writeFileSync } = await import('node:fs')
    for (const name of ['main.js', 'twice.js']) {
      const source = readFileSync(name)
      writeFileSync(name + COMPILED, compiledFile(source, scriptOf(name, source).createCachedData()))
    }`
  execFileSync('env', clean([...flags, '--input-type=module', '-e', script]), { ...bare, cwd: directory })
}

t.test('files are loaded once each, and know where they are', async (t) => {
  const directory = t.testdir({
    'main.js':
      'exports.b = require("./b.js"); exports.again = require("./b.js"); exports.where = [module.url, module.filename, module.path]',
    'b.js': 'exports.main = require("./main.js"); exports.path = require("node:path")'
  })
  const seen: string[] = []
  const main = loader(directory, (name) => seen.push(name))('main.js')
  t.same(seen, ['main.js', 'b.js'])
  t.equal(main.b, main.again)
  t.equal((main.b as { main: unknown }).main, main, 'two files that require each other')
  t.same(main.where, [`file://${directory}/main.js`, `${directory}/main.js`, directory])
})

t.test('what costs much of Node is loaded when it is used', async (t) => {
  const directory = t.testdir({
    'main.js': `const late = require('node:zlib'), loaded = () => process.moduleLoadList.includes('NativeModule https')
      const https = require('https'), before = loaded()
      console.log(before, typeof https.request, loaded(), late.crc32('a') > 0, Object.keys(require('node:path')).length > 0)
      console.log(Object.getOwnPropertyNames(require('node:https')).includes('request'), https.__esModule)`
  })
  t.same(run(directory).lines, ['false function true true true', 'true undefined'])
})

t.test('compiled code is taken by the Node and the flags that it was made with', async (t) => {
  const directory = smallBundle(t)
  t.same(run(directory), { files: { 'main.js': 'taken', 'twice.js': 'taken' }, lines: ['42 function'] })
  const others = run(directory, [], [])
  t.same(others, { files: { 'main.js': 'refused', 'twice.js': 'refused' }, lines: ['42 function'] })
})

t.test('what is wrong with compiled code changes nothing but speed', async (t) => {
  const directory = smallBundle(t)
  const file = join(directory, `twice.js${COMPILED}`)
  const good = readFileSync(file)
  const source = readFileSync(join(directory, 'twice.js'))
  const flipped = (at: number) => good.map((byte, i) => (i === at ? byte ^ 0x40 : byte))
  const ofOther = (text: string) =>
    compiledFile(Buffer.from(text), scriptOf('x', Buffer.from(text)).createCachedData())
  const cases: Record<string, Uint8Array> = {
    empty: Buffer.alloc(0),
    'shorter than its header': good.subarray(0, 3),
    'cut behind its header': good.subarray(0, 4),
    'cut in the middle': good.subarray(0, good.length >> 1),
    'without its last byte': good.subarray(0, -1),
    'longer by one byte': Buffer.concat([good, Buffer.alloc(1)]),
    'another checksum': flipped(0),
    'another byte in the middle': flipped(good.length >> 1),
    'another last byte': flipped(good.length - 1),
    // As long as the source: V8 itself compares no more than that.
    'of another source': ofOther(source.toString().replace('n * 2', 'n * 3')),
    text: Buffer.from('not compiled at all')
  }
  for (const [what, content] of Object.entries(cases)) {
    writeFileSync(file, content)
    const { files, lines } = run(directory)
    t.same(lines, ['42 function'], what)
    t.same(files, { 'main.js': 'taken', 'twice.js': 'none' }, what)
  }
  rmSync(file)
  t.same(
    run(directory),
    { files: { 'main.js': 'taken', 'twice.js': 'none' }, lines: ['42 function'] },
    'gone'
  )
})

t.test('compiled code of another Node is not even shown to V8', async (t) => {
  const directory = smallBundle(t)
  const script = `Object.defineProperty(process, 'version', { value: 'v24.0.0' }); await import(${JSON.stringify(tell)})`
  const argv = [...flags, '--input-type=module', '-e', script, '--', 'x', directory, 'main.js']
  const { stdout } = spawnSync('env', clean(argv), bare)
  t.same(stdout.trim().split('\n'), ['42 function', '{"main.js":"none","twice.js":"none"}'])
})

t.test('the agent as it is packaged', async (t) => {
  const dist = t.testdir()
  execFileSync(process.execPath, ['scripts/build.ts', dist, 'agent'], { cwd: checkout })
  const agent = join(dist, 'agent')
  for (const name of readdirSync(agent)) chmodSync(join(agent, name), 0o444)
  chmodSync(agent, 0o555)
  const version = [...flags, join(agent, 'agent.js'), '--version']

  await t.test('takes the compiled code of every file, from a folder that nobody can write', async (t) => {
    for (const argv of [['--version'], ['status'], ['rollback', '--help']]) {
      const { status, stdout } = spawnSync(
        'env',
        clean([...flags, tell, agent, 'agent-main.js', ...argv]),
        bare
      )
      t.type(status, 'number')
      const files = JSON.parse(stdout.trim().split('\n').pop() ?? '{}') as Record<string, string>
      t.ok(files['agent-main.js'])
      t.same([...new Set(Object.values(files))], ['taken'], argv.join(' '))
    }
  })

  await t.test('reads no file outside of its folder to start', async (t) => {
    const decoys = t.testdir({
      'main.js': 'console.log("decoy")',
      node_modules: { fastify: { 'index.js': '' } }
    })
    const permitted = ['--permission', `--allow-fs-read=${agent}/*`, ...version]
    const said = execFileSync('env', clean(permitted, `NODE_PATH=${decoys}`), { ...bare, cwd: decoys })
    t.equal(said, `${VERSION}\n`)
  })

  await t.test('runs without any compiled code', async (t) => {
    const other = t.testdir()
    cpSync(agent, join(other, 'agent'), { recursive: true, filter: (path) => !path.endsWith(COMPILED) })
    const argv = [...flags, join(other, 'agent/agent.js'), '--version']
    t.equal(execFileSync('env', clean(argv), bare), `${VERSION}\n`)
  })
  chmodSync(agent, 0o755)
})
