import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkout } from './module.ts'

t.test('no program of ours leaves its memory, or files that others may read', async (t) => {
  const units = readdirSync(join(checkout, 'systemd')).filter((name) => name.endsWith('.service'))
  const ours = units
    .map((name) => [name, readFileSync(join(checkout, 'systemd', name), 'utf8')] as const)
    .filter(([, text]) => /^ExecStart=@belay/m.test(text))
  t.ok(ours.length >= 3)
  for (const [name, text] of ours) {
    t.match(text, /^LimitCORE=0$/m, name)
    t.match(text, /^UMask=0077$/m, name)
  }
})
