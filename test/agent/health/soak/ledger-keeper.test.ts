import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LedgerFiles } from '../../../../agent/health/soak/ledger.ts'
import type { Begun } from '../../../../agent/health/soak/ledger-event.ts'
import { LedgerKeeper } from '../../../../agent/health/soak/ledger-keeper.ts'
import { noCount } from '../../../../agent/health/soak/soak-clock.ts'

const sign = { at: '2026-05-01T00:00:00.000Z', bootId: 'b1', monotonicMs: 0, bootMs: 0 }
const soak = '20260501T000000000Z'
const begun: Begun = {
  ...{ type: 'begun', soak, cause: 'found', operation: null, baselinePath: null, baseline: null },
  ...{ generation: { number: 1, storePath: '/nix/store/a' }, activationSeconds: null }
}
const quiet = { warn: () => {}, info: () => {} } as never
const keep = (directory: string) => {
  const files = new LedgerFiles(directory, () => sign)
  const keeper = new LedgerKeeper(files, quiet)
  keeper.begin(begun, { sign, count: noCount })
  return { files, keeper, read: () => new LedgerFiles(directory, () => sign).read(soak) }
}

t.test('a ledger that cannot be written anew is only long: nothing stands in it twice', async (t) => {
  const directory = t.testdir({ soak: { [`${soak}.jsonl.new`]: { in: 'the way' } } })
  const { keeper, read } = keep(directory)
  for (let i = 0; i < 510; i++) keeper.note({ type: 'counted' })
  keeper.note({ type: 'rolled-back', operation: 'x', reason: 'test' })
  for (let i = 0; i < 3; i++) await keeper.write()
  t.match(await read(), { rollbacks: 1 })
  rmSync(join(directory, 'soak', `${soak}.jsonl.new`), { recursive: true })
  keeper.note({ type: 'counted' })
  await keeper.write()
  t.match(await read(), { rollbacks: 1 })
  t.equal(readFileSync(join(directory, 'soak', `${soak}.jsonl`), 'utf8').split('\n').length, 2)
  t.same(readdirSync(join(directory, 'soak')), [`${soak}.jsonl`])
})
