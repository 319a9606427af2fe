import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { nixLog, progressLine } from '../../../controller/check/nix-log.ts'

/** Recorded from Nix 2.26. */
const linesOf = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../fixtures/nix-logs', `${name}.jsonl`), 'utf8').split('\n')

function play(name: string) {
  const log = nixLog()
  const shown = linesOf(name).map((line) => {
    log.line(line)
    return progressLine(log.progress())
  })
  return { ...log.progress(), shown: [...new Set(shown)] }
}

t.test('a build, as Nix tells it', async (t) => {
  const { built, fetched, failed, errors, building, shown } = play('build')
  t.match(
    { built, fetched, failed, errors, building },
    { built: 3, fetched: 0, failed: 0, errors: [], building: [] }
  )
  t.ok(shown.some((line) => line.includes('building a-1')))
  t.ok(shown.some((line) => line.includes('building nixos-system-cinnabar-x')))
  t.equal(shown[0], '', 'nothing to say yet')
  t.equal(shown.at(-1), '3 built')
})

t.test('what was fetched is not built', async (t) => {
  const { shown, ...found } = play('fetch')
  t.match(found, { built: 0, fetched: 1, toFetch: 1 })
  t.equal(shown.at(-1), '1 of 1 fetched')
})

t.test('a failure: the last lines of the builder, and what Nix says, without colours', async (t) => {
  const { built, failed, errors, lines } = play('fail')
  t.match({ built, failed }, { built: 0, failed: 1 })
  t.match(errors, [
    /^error: builder for '\/nix\/store\/[a-z0-9]+-bad-1.drv' failed with exit code 3$/,
    /dependencies/
  ])
  t.ok(lines.includes('bad-1> working'))
})

t.test('no line makes it throw, and it keeps a bounded number', async (t) => {
  const log = nixLog()
  for (const line of [
    '@nix ',
    '@nix {',
    '@nix null',
    '@nix []',
    '@nix {"action":"result","type":105}',
    'plain'
  ])
    log.line(line)
  fc.assert(
    fc.property(fc.json(), (json) => {
      log.line(`@nix ${json}`)
      log.line(json)
      return log.progress().lines.length <= 30
    })
  )
  t.equal(log.progress().built, 0)
})
