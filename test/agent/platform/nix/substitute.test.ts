import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { substitute } from '../../../../agent/platform/nix/substitute.ts'
import { path } from '../../security/keys.ts'

/** A Nix that does what it is told, in front of any other. */
function nixStore(t: Test, script: string): string {
  const dir = t.testdir({ bin: {} })
  writeFileSync(join(dir, 'bin/nix-store'), `#!/bin/sh\ncd ${dir}\n${script}\n`)
  chmodSync(join(dir, 'bin/nix-store'), 0o755)
  const before = process.env.PATH
  process.env.PATH = `${join(dir, 'bin')}:${before}`
  t.teardown(() => {
    process.env.PATH = before
  })
  return dir
}

t.test('zip bomb: a fetch ends before the disk is full', { timeout: 30_000 }, async (t) => {
  const dir = nixStore(t, 'echo begun > begun; exec sleep 3600')
  // It unpacks for ever: what is left shrinks once it has begun.
  const free = async () => (existsSync(join(dir, 'begun')) ? 99 : 1000)
  await t.rejects(substitute(path('b'), { bytes: 100, free }), { code: 'no-space', wanted: 100 })
})

t.test('what has no room to begin with is not begun, nor what nobody can see the room of', async (t) => {
  const dir = nixStore(t, 'echo begun > begun')
  await t.rejects(substitute(path('b'), { bytes: 100, free: async () => 99 }), { code: 'no-space' })
  await t.rejects(substitute(path('b'), { bytes: 100, free: () => Promise.reject(new Error('no disk')) }))
  t.notOk(existsSync(join(dir, 'begun')))
})

t.test('with room it is what Nix makes of it', async (t) => {
  const room = { bytes: 100, free: async () => 1000 }
  nixStore(t, 'test "$1" = --realise && test "$NIX_REMOTE" = daemon')
  await substitute(path('b'), room)
  nixStore(t, 'echo "error: no substituter" >&2; exit 1')
  await t.rejects(substitute(path('b'), room), { code: 'path-not-valid', message: /no substituter/ })
})
