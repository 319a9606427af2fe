import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Script } from 'node:vm'
import { COMPILED, compiledFile, loader, scriptOf } from './load.ts'

/** Runs one command of the bundle; gives its exit code. */
type Main = (argv: readonly string[]) => Promise<number>

/** How often the daemon is asked whether it is up, every 50 ms. */
const ATTEMPTS = 600

/** The daemon of an empty host, asked what it is asked most, and the runner. */
async function runAgent(main: Main, directory: string): Promise<void> {
  const of = (name: string) => join(directory, name)
  mkdirSync(of('run'))
  const settings = {
    ...{ stateDirectory: of('state'), socketDirectory: of('run'), gcRootsDirectory: of('roots') },
    ...{ profile: of('profile'), bootDirectory: of('boot') }
  }
  writeFileSync(of('agent.json'), JSON.stringify(settings))
  const run = (...argv: string[]) => main(['--config', of('agent.json'), ...argv])
  const serving = run('serve').then((code) => {
    throw new Error(`the daemon ended with ${code}`)
  })
  const answers = async () => {
    for (let left = ATTEMPTS; (await run('status')) !== 0; left--) {
      if (left === 0) throw new Error('the daemon does not answer')
      await delay(50)
    }
    await new Promise((resolve, reject) =>
      get({ socketPath: of('run/observe.sock'), path: '/metrics', agent: false }, (answer) =>
        answer.resume().once('end', resolve)
      ).once('error', reject)
    )
  }
  await Promise.race([serving, answers()])
  // There is none: the runner comes as far as that.
  await run('run-operation', '20260101T000000Z-00000000')
}

/**
 * Runs a bundle and keeps, beside each of its files, what V8 compiled of it: compile.ts DIRECTORY PART. V8 takes that where
 * it runs with the same flags.
 */
const [directory = '', part = ''] = process.argv.slice(2)
const scripts = new Map<string, { readonly source: Buffer; readonly script: Script }>()
const load = loader(directory, (name, source, script) => scripts.set(name, { source, script }))
const temporary = mkdtempSync(join(tmpdir(), 'belay-'))
const say = process.stderr.write.bind(process.stderr)
process.stdout.write = () => true
process.stderr.write = () => true
try {
  process.argv = [process.execPath, part, '--help']
  const { main } = load(`${part}-main.js`) as { readonly main: Main }
  await main(['--version'])
  if (part === 'agent') await runAgent(main, temporary)
} catch (error) {
  // It costs time at start and nothing else.
  say(`${part} is compiled without having run to the end: ${error instanceof Error ? error.stack : error}\n`)
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
const names = readdirSync(directory).filter((name) => name.endsWith('.js'))
// What Node itself is given is loaded by nobody.
const given = (name: string) => names.includes(name.replace(/\.js$/, '-main.js'))
for (const name of names.filter((name) => !given(name))) {
  const file = join(directory, name)
  const read = readFileSync(file)
  const { source, script } = scripts.get(name) ?? { source: read, script: scriptOf(file, read) }
  writeFileSync(`${file}${COMPILED}`, compiledFile(source, script.createCachedData()))
}
process.exit(0)
