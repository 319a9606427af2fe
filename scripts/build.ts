import { cp, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Plugin } from 'esbuild'
import { build } from 'esbuild'

/**
 * Bundles agent and controller into dist/, or the directory named: what is packaged, since Node strips no types below
 * node_modules. Apart, so that a change of the controller leaves the hosts' agent as it is.
 */
const outdir = process.argv[2] ?? 'dist'
const parts = {
  agent: { agent: 'agent/main.ts', 'network-half': 'agent/network/network-half.ts' },
  belay: { belay: 'controller/main.ts' }
}

/**
 * Built-in modules are asked for, not imported: Node reads every export of one that is imported, and behind `WebSocket`
 * of `node:http` is the whole of undici, 35 ms at start and 14 MiB that stay.
 */
const askForBuiltins: Plugin = {
  name: 'ask-for-builtins',
  setup({ onResolve, onLoad }) {
    const namespace = 'builtin'
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace } : { path, external: true }
    )
    onLoad({ filter: /^node:/, namespace }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`
    }))
  }
}

/**
 * Loaded by Fastify and prom-client for what the agent never asks of them, and a tenth of its start: versions that
 * plugins want, and exemplars of traces. Asking for it after all is a TypeError.
 */
const withoutUnasked: Plugin = {
  name: 'without-unasked',
  setup({ onResolve, onLoad }) {
    const namespace = 'unasked'
    onResolve({ filter: /^(semver|@opentelemetry\/api)$/ }, ({ path }) => ({ path, namespace }))
    onLoad({ filter: /./, namespace }, () => ({ contents: 'module.exports = {}' }))
  }
}

/** Required by Fastify for what the agent never asks of it: see shared/server/compilers.ts, and `inject`. */
const unused = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request']

await rm(outdir, { recursive: true, force: true })
for (const [name, entry] of Object.entries(parts)) {
  await build({
    entryPoints: entry,
    outdir: join(outdir, name),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    // A module that can also be run by itself is not, inside a bundle.
    define: { 'import.meta.main': 'false' },
    legalComments: 'none',
    plugins: [askForBuiltins, withoutUnasked],
    external: unused,
    logLevel: 'warning',
    // Fastify and others are CommonJS and ask for Node's modules by require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"
    }
  })
}
// What the agent copies into an operation's directory. A folder of a bundle is flat, so their names are apart.
for (const script of ['nixos/guard.sh', 'darwin/mac-guard.sh', 'darwin/mac-activate.sh', 'home/look.sh'])
  await cp(join('agent/platform', script), join(outdir, 'agent', basename(script)))
