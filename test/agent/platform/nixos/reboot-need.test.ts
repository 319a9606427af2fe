import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { rebootNeed } from '../../../../agent/platform/nixos/reboot-need.ts'

/** A toplevel with files, and links to directories of the given names. */
function toplevel(
  dir: string,
  name: string,
  files: Record<string, string> = {},
  links: Record<string, string> = {}
) {
  const path = join(dir, name)
  mkdirSync(path)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text)
  for (const [link, target] of Object.entries(links)) {
    mkdirSync(join(dir, target), { recursive: true })
    symlinkSync(join(dir, target), join(path, link))
  }
  return path
}

t.test('the same parts need no reboot, also where there are none', async (t) => {
  const dir = t.testdir()
  const old = toplevel(dir, 'old', { 'kernel-params': 'quiet' }, { kernel: 'linux-1' })
  const next = toplevel(dir, 'next', { 'kernel-params': 'quiet\n' }, { kernel: 'linux-1' })
  t.same(await rebootNeed(old, next, null), { required: false, recommended: false, causes: [] })
})

t.test('another kernel, initrd or parameter waits for the next boot', async (t) => {
  const dir = t.testdir()
  const old = toplevel(dir, 'old', { 'kernel-params': 'quiet' }, { kernel: 'linux-1', initrd: 'initrd-1' })
  const next = toplevel(dir, 'next', { 'kernel-params': 'debug' }, { kernel: 'linux-2' })
  const need = await rebootNeed(old, next, null)
  t.match(need, { required: false, recommended: true })
  t.same(need.causes, [
    { what: 'initrd', from: join(dir, 'initrd-1'), to: null },
    { what: 'kernel', from: join(dir, 'linux-1'), to: join(dir, 'linux-2') },
    { what: 'kernel-params', from: 'quiet', to: 'debug' }
  ])
})

t.test('what counts for the kernel is what booted, not what runs', async (t) => {
  const dir = t.testdir()
  const booted = toplevel(dir, 'booted', {}, { kernel: 'linux-1' })
  const running = toplevel(dir, 'running', {}, { kernel: 'linux-2' })
  const next = toplevel(dir, 'next', {}, { kernel: 'linux-1' })
  t.equal((await rebootNeed(running, next, booted)).recommended, false)
  t.equal((await rebootNeed(booted, running, booted)).recommended, true)
})

t.test('a switch that would be refused needs a reboot', async (t) => {
  const dir = t.testdir()
  const old = toplevel(dir, 'old', {
    'init-interface-version': 'systemd 2',
    'switch-inhibitors': '{"dbus-implementation":"dbus","gone":"x"}'
  })
  const init = toplevel(dir, 'init', { 'init-interface-version': 'systemd 3' })
  const inhibited = toplevel(dir, 'inhibited', {
    'init-interface-version': 'systemd 2',
    'switch-inhibitors': '{"dbus-implementation":"broker","came":"y"}'
  })
  t.match(await rebootNeed(old, init, null), {
    required: true,
    causes: [{ what: 'init-interface-version', from: 'systemd 2', to: 'systemd 3' }]
  })
  t.same((await rebootNeed(old, inhibited, null)).causes, [
    { what: 'switch inhibitor dbus-implementation', from: 'dbus', to: 'broker' }
  ])
})

t.test("the generation's own reboot triggers go before ours, where both have them", async (t) => {
  const dir = t.testdir()
  const old = toplevel(dir, 'old', { 'reboot-triggers': '{"kernel":"a","x":["1"]}' }, { kernel: 'linux-1' })
  const same = toplevel(dir, 'same', { 'reboot-triggers': '{"kernel":"a","x":["1"]}' }, { kernel: 'linux-2' })
  const other = toplevel(dir, 'other', { 'reboot-triggers': '{"kernel":"b"}' })
  t.equal((await rebootNeed(old, same, null)).recommended, false)
  t.same((await rebootNeed(old, other, null)).causes, [
    { what: 'kernel', from: 'a', to: 'b' },
    { what: 'x', from: '["1"]', to: null }
  ])
})

t.test('a table that is none refuses the generation', async (t) => {
  const dir = t.testdir()
  const old = toplevel(dir, 'old')
  for (const [i, text] of ['{', '[]', 'null', '"x"'].entries()) {
    const bad = toplevel(dir, `bad-${i}`, { 'switch-inhibitors': text })
    await t.rejects(rebootNeed(old, bad, null), { code: 'not-a-system' }, text)
  }
})
