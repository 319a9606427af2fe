import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { PreviewOptions } from '../../../agent/cli/preview.ts'
import { preview } from '../../../agent/cli/preview.ts'
import { parseSettings } from '../../../agent/config/settings.ts'
import type { Plan } from '../../../shared/api/plan.ts'
import { candidate, startDaemon } from '../fakes/daemon.ts'

async function run(
  t: Test,
  options: PreviewOptions,
  more: { json?: boolean; path?: string; color?: boolean } = {}
) {
  const d = await startDaemon(t)
  const settings = parseSettings(
    JSON.stringify({ socketDirectory: d.socket('observe').replace(/\/[^/]*$/, '') }),
    'test'
  )
  let out = ''
  const say = (text: string) => {
    out += text
  }
  const terminal = { out: say, err: () => {} }
  const context = { settings, config: null, json: more.json ?? false, terminal }
  const screen = { columns: 80, color: more.color ?? false }
  const code = await preview(context, more.path ?? candidate, options, screen)
  return { code, out }
}

t.test('for people, in colour, as Markdown and as JSON', async (t) => {
  t.match(await run(t, {}), { code: 0, out: /^cinnabar {2}plan [0-9a-f]{12}\n/ })
  t.match((await run(t, {}, { color: true })).out, '\u001b[1mcinnabar')
  t.match((await run(t, { markdown: true })).out, /^### cinnabar: nothing changes/)
  const plan = JSON.parse((await run(t, { dryActivate: true, diff: true }, { json: true })).out) as Plan
  t.match(plan, { to: candidate, hash: /^[0-9a-f]{64}$/ })
})

t.test('a path that is not here is refused', async (t) => {
  await t.rejects(run(t, {}, { path: '/nowhere' }), { code: 'path-not-valid' })
  const link = join(t.testdir({}), 'result')
  symlinkSync('nowhere', link)
  await t.rejects(run(t, {}, { path: link }), { code: 'path-not-valid' })
})
