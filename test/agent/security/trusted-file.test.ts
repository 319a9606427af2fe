import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readTrustedFile } from '../../../agent/security/trusted-file.ts'

const me = process.getuid?.() ?? 0
const trust = { owner: me }
const unsafe = (at: string, found?: RegExp) => ({
  code: 'approval-signers-unsafe',
  at,
  ...(found ? { found } : {})
})

t.test('a file of root that only root can change is read, wherever links lead', async (t) => {
  const dir = t.testdir({ etc: { static: t.fixture('symlink', '../store') }, store: { signers: 'alice' } })
  t.equal(String(await readTrustedFile(join(dir, 'store/signers'), trust)), 'alice')
  t.equal(String(await readTrustedFile(join(dir, 'etc/static/signers'), trust)), 'alice')
  chmodSync(join(dir, 'store'), 0o1777)
  t.equal(String(await readTrustedFile(join(dir, 'store/signers'), trust)), 'alice', 'sticky, as /nix/store')
})

t.test('whatever somebody else could have changed is not', async (t) => {
  const dir = t.testdir({ open: { f: 'x' }, closed: { f: 'x', link: t.fixture('symlink', '../open/f') } })
  const at = (name: string) => join(dir, name)
  chmodSync(at('open'), 0o777)
  await t.rejects(
    readTrustedFile(at('open/f'), trust),
    unsafe(at('open/f'), /open is writable by others \(0777\)/)
  )
  await t.rejects(readTrustedFile(at('closed/link'), trust), unsafe(at('closed/link'), /open is writable/))
  for (const mode of [0o666, 0o620, 0o602]) {
    chmodSync(at('closed/f'), mode)
    await t.rejects(
      readTrustedFile(at('closed/f'), trust),
      unsafe(at('closed/f'), /writable/),
      mode.toString(8)
    )
  }
})

t.test('what is no file, is missing, is too large or leads nowhere is not', async (t) => {
  const dir = t.testdir({
    d: {},
    f: 'xxx',
    loop: t.fixture('symlink', 'loop'),
    gone: t.fixture('symlink', 'x')
  })
  for (const name of ['d', 'none', 'loop', 'gone', 'f/below'])
    await t.rejects(readTrustedFile(join(dir, name), trust), unsafe(join(dir, name)), name)
  await t.rejects(
    readTrustedFile(join(dir, 'f'), { ...trust, maxSize: 2 }),
    unsafe(join(dir, 'f'), /3 bytes/)
  )
  await t.rejects(readTrustedFile('/dev/null', trust), unsafe('/dev/null', /no file|writable/))
})

t.test('a file, link or directory of another user is not', { skip: me !== 0 && 'needs root' }, async (t) => {
  const dir = t.testdir({})
  const at = (name: string) => join(dir, name)
  mkdirSync(at('theirs'))
  for (const name of ['theirs/f', 'f', 'good']) writeFileSync(at(name), 'x')
  symlinkSync('good', at('link'))
  for (const name of ['theirs', 'f']) chownSync(at(name), 65534, 65534)
  const { lchownSync } = await import('node:fs')
  lchownSync(at('link'), 65534, 65534)
  for (const name of ['theirs/f', 'f', 'link'])
    await t.rejects(readTrustedFile(at(name)), unsafe(at(name), /belongs to user 65534/), name)
  t.equal(String(await readTrustedFile(at('good'))), 'x')
})
