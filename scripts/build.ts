import { execFileSync } from 'node:child_process'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Plugin } from 'esbuild'
import { build, transform } from 'esbuild'

/**
 * Bundles agent and controller into dist/, or the directory named: what is packaged, since Node strips no types below
 * node_modules. Apart, so that a change of the controller leaves the hosts' agent as it is. With what V8 compiles of
 * them, for the flags of Node with which they are run: docs/adr/0015-compiled-bundle.md.
 *
 *     build.ts [DIRECTORY [PART...]]
 */
const [outdir = 'dist', ...wanted] = process.argv.slice(2)
const parts = {
  agent: {
    entries: { agent: 'agent/main.ts', 'network-half': 'agent/network/network-half.ts' },
    // Heap and threads of a daemon that idles.
    flags:
      '--optimize-for-size --max-semi-space-size=1 --max-old-space-size=96 --v8-pool-size=1 --no-opt --no-maglev'
  },
  belay: { entries: { belay: 'controller/main.ts' }, flags: '' }
}

/**
 * Loaded by Fastify, prom-client and commander for what is never asked of them here, and a tenth of a start: versions that
 * plugins want, exemplars of traces, commands that are programs of their own. Asking for it after all is a TypeError.
 */
const withoutUnasked: Plugin = {
  name: 'without-unasked',
  setup({ onResolve, onLoad }) {
    const namespace = 'unasked'
    onResolve({ filter: /^(semver|@opentelemetry\/api)$/ }, ({ path }) => ({ path, namespace }))
    onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace } : null
    )
    onLoad({ filter: /./, namespace }, () => ({ contents: 'module.exports = {}' }))
  }
}

/** Required by Fastify for what the agent never asks of it: see shared/server/compilers.ts, and `inject`. */
const unused = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request']

/** esbuild splits ES modules alone, and V8 keeps the functions that ran of scripts alone: so the one is made of the other. */
const asScript = {
  format: 'cjs',
  target: 'node24',
  minifySyntax: true,
  supported: { 'dynamic-import': false },
  define: {
    'import.meta.url': 'module.url',
    'import.meta.filename': 'module.filename',
    'import.meta.dirname': 'module.path'
  },
  // Nothing else of it is there.
  logOverride: { 'empty-import-meta': 'error' }
} as const

/** Entries and chunks of a part, as scripts. */
async function bundle(entries: Readonly<Record<string, string>>, directory: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, file]) => [`${name}-main`, file])),
    outdir: directory,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    // A module that can also be run by itself is not, inside a bundle.
    define: { 'import.meta.main': 'false' },
    legalComments: 'none',
    plugins: [withoutUnasked],
    external: unused,
    logLevel: 'warning'
  })
  await mkdir(directory, { recursive: true })
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text.replace(/^#!.*/, ''), asScript)
    await writeFile(path, code)
  }
}

/** What Node is given of an entry: it loads the others. */
async function start(name: string, directory: string): Promise<void> {
  const contents = `import { loader } from './scripts/bundle/load.ts'\nloader(__dirname)('${name}-main.js')`
  const outfile = join(directory, `${name}.js`)
  const common = { bundle: true, format: 'cjs', platform: 'node', target: 'node24' } as const
  await build({ stdin: { contents, resolveDir: '.' }, outfile, ...common, logLevel: 'warning' })
}

/** What V8 makes of it, in Node without what the environment adds to it. */
const compile = (directory: string, part: string, flags: string) =>
  execFileSync(
    process.execPath,
    [...flags.split(' ').filter(Boolean), 'scripts/bundle/compile.ts', directory, part],
    { env: { TMPDIR: tmpdir() }, stdio: ['ignore', 'inherit', 'inherit'] }
  )

for (const [part, { entries, flags }] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(part)) continue
  const directory = join(outdir, part)
  await rm(directory, { recursive: true, force: true })
  await bundle(entries, directory)
  for (const name of Object.keys(entries)) await start(name, directory)
  await writeFile(join(directory, 'package.json'), '{"type":"commonjs"}\n')
  // What the agent copies into an operation's directory. A folder of a bundle is flat, so their names are apart.
  if (part === 'agent')
    for (const script of ['nixos/guard.sh', 'darwin/mac-guard.sh', 'darwin/mac-activate.sh', 'home/look.sh'])
      await cp(join('agent/platform', script), join(directory, basename(script)))
  compile(directory, part, flags)
}
