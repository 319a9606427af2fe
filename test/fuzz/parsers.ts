import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSettings } from '../../agent/config/settings.ts'
import { parseShow } from '../../agent/health/kinds/systemctl.ts'
import { parseJournal } from '../../agent/journal/journal.ts'
import type { Event } from '../../agent/operation/events.ts'
import { foldOperation } from '../../agent/operation/state.ts'
import { parseOutcome } from '../../agent/platform/darwin/activation.ts'
import { parseBootSession } from '../../agent/platform/darwin/boot-id.ts'
import { hostOf } from '../../agent/platform/darwin/candidate.ts'
import { judgeFree, judgeOffset, wentDownInOrder } from '../../agent/platform/darwin/host-measures.ts'
import { readEffects } from '../../agent/platform/darwin/irreversible.ts'
import { parseList, parsePrint } from '../../agent/platform/darwin/launchctl-text.ts'
import { readLog } from '../../agent/platform/darwin/measures.ts'
import { parsePlist } from '../../agent/platform/darwin/plist.ts'
import { activationsIn } from '../../agent/platform/darwin/preflight.ts'
import { sessionAge } from '../../agent/platform/darwin/session-start.ts'
import { readLoadedUnits } from '../../agent/preview/loaded-units.ts'
import { readPathInfo, readPathSizes } from '../../agent/preview/path-info.ts'
import { readUnit } from '../../agent/preview/unit-file.ts'
import { parseManifest } from '../../agent/secrets/manifest.ts'
import { parseFleetFile } from '../../controller/inventory/load.ts'
import { parseApproval } from '../../shared/approval.ts'
import { BelayError } from '../../shared/errors.ts'
import { readSops } from '../../shared/secrets/sops.ts'
import type { Random } from './values.ts'
import { nasty } from './values.ts'

const corpus = join(import.meta.dirname, 'corpus')

/** What reads a file of the corpus, by how its name begins. */
const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  journal: (text) => {
    const { records } = parseJournal<Event>(text)
    return records.length > 0 ? foldOperation(records) : null
  },
  'sops.yaml': (text) => readSops(text, 'yaml'),
  'sops.json': (text) => readSops(text, 'json'),
  'sops.env': (text) => readSops(text, 'dotenv'),
  'sops.ini': (text) => readSops(text, 'ini'),
  plist: parsePlist,
  'path-info': readPathInfo,
  'path-sizes': (text) => readPathSizes(`/nix/store/${'a'.repeat(32)}-a`, text),
  show: (text) => [parseShow(text), readLoadedUnits(text)],
  unit: (text) => readUnit([text]),
  manifest: (text) => [parseManifest(text), parseSettings(text.replace('secrets', 'checks'), 'f')],
  fleet: (text) => parseFleetFile(text, '/srv/fleet.yaml'),
  approval: parseApproval,
  'mac-log': (text) => readLog(text, ['nuisance']),
  'mac-script': readEffects,
  'mac-said': (text) => [
    [sessionAge(text, 812), activationsIn(text), hostOf(text), parseOutcome(text)],
    [wentDownInOrder(text), judgeOffset(text), judgeFree(text, { warn: 0.9, fail: null })],
    parseBootSession(text)
  ],
  launchctl: (text) => [parsePrint(text), parseList(text)]
}

/** What a parser did that none may do. */
export interface Broken {
  readonly file: string
  readonly input: string
  readonly problem: string
}

/**
 * Reads every file of the corpus as it is, then so many broken in turn. A parser gives something or throws an error of
 * ours; it changes no prototype.
 */
export async function attackParsers(times: number, random: Random): Promise<readonly Broken[]> {
  const files = readdirSync(corpus).sort()
  const texts = files.map((file) => readFileSync(join(corpus, file), 'utf8'))
  const broken: Broken[] = []
  for (let i = 0; i < files.length + times; i++) {
    const [file, text] = [files[i % files.length] ?? '', texts[i % files.length] ?? '']
    const input = i < files.length ? text : mutate(text, random)
    const problem = await read(file, input)
    if (problem !== null) broken.push({ file, input: input.slice(0, 2000), problem })
  }
  return broken
}

async function read(file: string, input: string): Promise<string | null> {
  const name = Object.keys(parsers).find((start) => file.startsWith(start))
  const parse = name === undefined ? undefined : parsers[name]
  if (parse === undefined) return 'nothing reads this file'
  try {
    await parse(input)
  } catch (error) {
    if (!(error instanceof BelayError))
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  return Object.keys(Object.prototype).length === 0 ? null : 'the prototype of all objects was changed'
}

/** A text with a few pieces cut out, doubled, moved, or replaced by what has broken parsers before. */
export function mutate(text: string, random: Random): string {
  let out = text
  const below = (n: number) => Math.min(Math.floor(random() * n), Math.max(0, n - 1))
  for (let i = 0; i <= below(4); i++) {
    const at = below(out.length + 1)
    const length = random() < 0.7 ? below(8) : below(200)
    const piece = out.slice(at, at + length)
    const put = [
      '',
      piece + piece,
      nasty[below(nasty.length)] ?? '',
      String.fromCharCode(below(0x250)),
      out.slice(below(out.length), below(out.length)).slice(0, 400),
      piece.repeat(1 + below(50))
    ][below(6)]
    out = (out.slice(0, at) + put + out.slice(at + length)).slice(0, 64 * 1024)
  }
  return out
}
