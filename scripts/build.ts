import { cp, rm } from 'node:fs/promises'
import { build } from 'esbuild'

/** Bundles the agent into dist/: what is packaged, since Node strips no types below node_modules. */
await rm('dist', { recursive: true, force: true })
await build({
  entryPoints: { agent: 'agent/main.ts' },
  outdir: 'dist',
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
await cp('agent/platform/nixos/guard.sh', 'dist/guard.sh')
