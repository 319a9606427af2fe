import { writeSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openJournal, readJournal } from '../../agent/journal/journal.ts'
import type { Event } from '../../agent/operation/events.ts'
import { admit, listOperations, operationDirectory, readOperation } from '../../agent/operation/store.ts'
import { durableWrite, syncDirectory } from '../../shared/durable-write.ts'
import { admission } from '../agent/operation/admission.ts'

/*
 * Runs as the only process of a virtual machine: says what the cuts before have left, then writes until the power goes.
 * A line on the console that ends in a line feed is an acknowledgement.
 */

const DISK = '/data'
const turn = Number(process.env.TURN)
/** Turns before this one are judged already. */
const from = Number(process.env.FROM)
const now = () => ({ at: new Date().toISOString(), bootId: String(turn), monotonicMs: performance.now() })
const say = (...words: readonly (string | number)[]) => writeSync(1, `\nbelay ${words.join(' ')}\n`)

if (process.env.WITHOUT_FSYNC === '1') {
  await using file = await open('/')
  Object.getPrototypeOf(file).sync = async () => {}
}

for (const name of (await readdir(DISK)).filter((entry) => /^\d+$/.test(entry)))
  if (Number(name) < from) await rm(join(DISK, name), { recursive: true })
  else await tell(Number(name)).catch((error) => say('broken', name, String(error)))
say('told')
await write(join(DISK, String(turn)))

/** Says how many of each kind a turn has left, all of them whole and in order. */
async function tell(turn: number): Promise<void> {
  const directory = join(DISK, String(turn))
  const records = await readJournal<{ n: number }>(join(directory, 'journal.jsonl')).catch(ifMissing([]))
  if (records.some(({ event }, i) => event.n !== i + 1)) throw new Error('records out of order')
  say('found', turn, 'record', records.length)
  const state = await readFile(join(directory, 'state.json'), 'utf8').catch(ifMissing('{"n":0}'))
  say('found', turn, 'state', (JSON.parse(state) as { n: number }).n)
  const root = join(directory, 'operations')
  const ids = await listOperations(root)
  for (const id of ids) await readOperation(root, id)
  say('found', turn, 'operation', ids.length)
}

function ifMissing<T>(value: T) {
  return (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value
    throw error
  }
}

/** Records, texts of a state file and operations, each acknowledged by its number. */
async function write(directory: string): Promise<void> {
  await mkdir(join(directory, 'operations'), { recursive: true })
  await syncDirectory(directory)
  await syncDirectory(DISK)
  const journal = await openJournal<unknown>(join(directory, 'journal.jsonl'), now)
  say('writing', turn)
  for (let n = 1; ; n++) {
    await journal.append({ n, text: 'x'.repeat((n * 97) % 3000) })
    say('done', turn, 'record', n)
    await durableWrite(
      join(directory, 'state.json'),
      JSON.stringify({ n, text: 'x'.repeat((n * 53) % 3000) })
    )
    say('done', turn, 'state', n)
    if (n % 5 === 0) await operate(join(directory, 'operations'), n / 5)
  }
}

async function operate(root: string, n: number): Promise<void> {
  const { accepted } = await admit(root, admission, now)
  say('done', turn, 'operation', n)
  const journal = await openJournal<Event>(join(operationDirectory(root, accepted.id), 'journal.jsonl'), now)
  await journal.append({ type: 'moved', to: 'cancelled', reason: 'power cuts' })
  await journal.close()
}
