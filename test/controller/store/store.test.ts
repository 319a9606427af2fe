import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  backUp,
  lockEngine,
  openDatabase,
  stateDirectory,
  transaction
} from '../../../controller/store/open.ts'
import { openStore } from '../../../controller/store/store.ts'
import { runCommand } from '../../../shared/command.ts'
import { planOf } from '../rollout/play.ts'

const author = { at: '2026-03-02T09:00:00.000Z', who: 'anna@stibnite', why: 'flake update' }
const planned = (revision: number) =>
  planOf('version: 1\nhosts: { galena: {} }\n', 0, `g${revision}`, revision)

t.test('what is written is there for the next process, with who, when and why', async (t) => {
  const directory = join(t.testdir({}), 'deep', 'state')
  const plan = planned(1)
  {
    using store = await openStore(directory)
    store.create(plan, author, false)
    t.ok(store.append(plan.id, [{ kind: 'paused' }, { kind: 'resumed' }], { ...author, why: null }))
    store.saveRound(plan.id, new Map([['status', { is: 'paused' }]]), [])
  }
  using store = await openStore(directory)
  t.same(store.plan(plan.id), plan)
  t.equal(store.active(), plan.id)
  t.match(store.records(plan.id), [
    { seq: 1, ...author, event: { kind: 'created' } },
    { seq: 2, why: null, event: { kind: 'paused' } },
    { seq: 3, event: { kind: 'resumed' } }
  ])
  t.same(store.records(plan.id, 2).length, 1)
  t.same(store.views(plan.id).get('status'), { is: 'paused' })
  t.equal(statSync(directory).mode & 0o777, 0o700)
  t.throws(() => store.plan('r-000000000000'), { code: 'rollout-unknown' })
})

t.test('one rollout at a time; another takes over only when it says so, and that is recorded', async (t) => {
  using store = await openStore(t.testdir({}))
  const [first, second] = [planned(1), planned(2)]
  store.create(first, author, false)
  t.throws(() => store.create(second, author, false), { code: 'rollout-active', message: /--supersede/ })
  t.same(store.rollouts().length, 1, 'nothing of it was written')
  store.create(second, author, true)
  t.match(store.records(first.id).at(-1), { event: { kind: 'superseded', by: second.id }, who: author.who })
  t.equal(store.active(), second.id)
  t.match(store.rollouts(), [
    { revision: 2, ended: false },
    { revision: 1, ended: true }
  ])
  store.append(second.id, [{ kind: 'finished' }], author)
  t.equal(store.active(), null)
})

t.test('nothing is appended behind what the writer has not read', async (t) => {
  const directory = t.testdir({})
  using mine = await openStore(directory)
  using other = await openStore(directory)
  const plan = planned(1)
  mine.create(plan, author, false)
  const version = mine.version()
  other.append(plan.id, [{ kind: 'paused' }], author)
  t.not(mine.version(), version, 'and it is noticed')
  t.notOk(mine.append(plan.id, [{ kind: 'stage-passed', stage: 'x' }], author, 1))
  t.same(mine.records(plan.id).length, 2)
  t.ok(mine.append(plan.id, [{ kind: 'resumed' }], author, 2))
})

t.test('one process drives; the lock ends with it', async (t) => {
  const directory = t.testdir({})
  const lock = await lockEngine(directory)
  await t.rejects(lockEngine(directory), { code: 'store-locked' })
  lock[Symbol.dispose]()
  const again = await lockEngine(directory)
  again[Symbol.dispose]()
})

t.test('a damaged database says what to do; one of a newer belay is left alone', async (t) => {
  const broken = t.testdir({})
  writeFileSync(
    join(broken, 'rollouts.db'),
    'this is no database, and long enough to be read as one'.repeat(100)
  )
  await t.rejects(openStore(broken), { code: 'store-broken', message: /Move it aside/ })
  const newer = join(broken, 'newer')
  const database = await openDatabase(newer)
  database.exec('PRAGMA user_version=99')
  database.close()
  await t.rejects(openStore(newer), { code: 'store-broken', message: /newer belay \(format 99\)/ })
})

t.test('a disk that is full is called so, and nobody is told to give up what is whole', async (t) => {
  const full = t.testdir({ 'rollouts.db': t.fixture('symlink', '/dev/full') })
  await t.rejects(openStore(full), { code: 'no-space', message: /Nothing is lost/ })
  const odd = t.testdir({ 'rollouts.db': {}, 'engine.lock': {} })
  const notLost = { code: 'store-broken', message: /The file may be whole/ }
  await t.rejects(openStore(odd), notLost)
  await t.rejects(lockEngine(odd), notLost, 'nobody else holds it')
})

t.test('several that make the database at the same moment wait for each other', async (t) => {
  const directory = join(t.testdir({}), 'state')
  const module = join(import.meta.dirname, '../../../controller/store/open.ts')
  const at = Date.now() + 1500
  const script = `const { openDatabase } = await import(${JSON.stringify(module)})
    while (Date.now() < ${at});
    (await openDatabase(${JSON.stringify(directory)})).close()`
  const opening = Array.from({ length: 4 }, () =>
    runCommand([process.execPath, '--input-type=module', '-e', script], { timeoutMs: 30_000 })
  )
  const ends = await Promise.all(opening)
  t.same(
    ends.map(({ code, stderr }) => (code === 0 ? '' : stderr)),
    ['', '', '', '']
  )
})

t.test('a disk that fills up while it is written is no-space, and nothing of the step is kept', async (t) => {
  const database = await openDatabase(t.testdir({}))
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
  database.exec(`PRAGMA max_page_count=${pages}`)
  const insert = database.prepare('INSERT INTO meta VALUES (?, ?)')
  const tooMuch = () => {
    insert.run('small', 'x')
    insert.run('large', 'x'.repeat(1e6))
  }
  t.throws(() => transaction(database, tooMuch), { code: 'no-space', message: /Nothing is lost/ })
  t.equal(database.prepare("SELECT 1 FROM meta WHERE name = 'small'").get(), undefined)
  t.doesNotThrow(() => transaction(database, () => insert.run('small', 'x')), 'and it goes on')
  database.close()
})

t.test('a copy that was cut off is not taken for one', async (t) => {
  const directory = t.testdir({ taken: {} })
  const database = await openDatabase(directory)
  t.throws(() => backUp(database, join(directory, 'taken')))
  t.throws(() => backUp(database, join(directory, 'nowhere', 'copy')))
  backUp(database, join(directory, 'copy'))
  database.close()
  t.same(readdirSync(directory).sort(), ['copy', 'rollouts.db', 'taken'], 'nothing half is left')
})

t.test('a copy is whole', async (t) => {
  const directory = t.testdir({})
  const copy = join(directory, 'copy', 'rollouts.db')
  const plan = planned(1)
  {
    using store = await openStore(directory)
    store.create(plan, author, false)
    mkdirSync(join(directory, 'copy'))
    store.backUp(copy)
  }
  t.ok(existsSync(copy))
  using store = await openStore(join(directory, 'copy'))
  t.equal(store.active(), plan.id)
})

t.test('the state lies where XDG says', async (t) => {
  t.equal(stateDirectory({ XDG_STATE_HOME: '/s', HOME: '/h' }), '/s/belay')
  t.equal(stateDirectory({ HOME: '/h' }), '/h/.local/state/belay')
})
