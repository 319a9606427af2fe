import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

/**
 * Bundles agent and controller into dist/, or the directory named: what is packaged, since Node strips no types below
 * node_modules. Apart, so that a change of the controller leaves the hosts' agent as it is.
 */
const outdir = process.argv[2] ?? 'dist'
const parts = { agent: 'agent/main.ts', belay: 'controller/main.ts' }
await rm(outdir, { recursive: true, force: true })
for (const [name, entry] of Object.entries(parts)) {
  await build({
    entryPoints: { [name]: entry },
    outdir: join(outdir, name),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    // Fastify and others are CommonJS and ask for Node's modules by require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"
    }
  })
}
await cp('agent/platform/nixos/guard.sh', join(outdir, 'agent/guard.sh'))
