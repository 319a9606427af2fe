import fc from 'fast-check'
import t from 'tap'
import { markdownPlan } from '../../../shared/plan/markdown.ts'
import { plan, samplePlan } from '../plans.ts'

t.test('a plan for a pull request', async (t) => {
  t.matchSnapshot(markdownPlan(samplePlan()), 'all that there is')
  t.matchSnapshot(markdownPlan(plan()), 'nothing changes')
})

t.test('no name can break a table, a fence or the page', async (t) => {
  const text = (hostile: string) => {
    const files = [
      { path: hostile, change: 'added' as const, diff: `--- a\n+++ b\n+${hostile}`, note: hostile }
    ]
    const secrets = [{ name: hostile, change: 'added' as const, what: [], units: [hostile] }]
    return markdownPlan(plan({ host: hostile, files, secrets }))
  }
  const found = text('`|<img src=x>\n```\n@everyone | `` [a](b)')
  const outside = found.replace(/^(`{3,})diff\n[\s\S]*?\n\1$/gm, '').replace(/(`+) ?.*?[^`] ?\1(?!`)/g, '')
  t.notMatch(outside, /(?<!\\)<(?!\/?(details|summary)>)/)
  t.notMatch(outside, /(?<!\\)@/)
  const bars = (row: string) => row.split(/(?<!\\)\|/).length - 1
  const rows = found.split('\n').filter((line) => line.startsWith('| added'))
  t.same(rows.map(bars), [4, 5], 'a file with a note, a secret with its units')
  const tick = fc.stringMatching(/^[`|~ a]{1,12}$/)
  fc.assert(
    fc.property(tick, (hostile) => {
      const [, fence = ''] = /^(`{3,})diff$/m.exec(text(hostile)) ?? []
      return !hostile.includes(fence)
    })
  )
})
