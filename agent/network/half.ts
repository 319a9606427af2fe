import { setTimeout as delay } from 'node:timers/promises'
import { Value } from 'typebox/value'
import { clean } from '../../shared/clean.ts'
import type { Conversation } from '../../shared/conversation.ts'
import { converse } from '../../shared/conversation.ts'
import { BelayError } from '../../shared/errors.ts'
import { monotonicMs } from '../clock.ts'
import type { Finding, Question } from '../health/kinds/kind.ts'
import type { ListenerOrder, Said, Told } from './records.ts'
import { MAX_SAID, MAX_SAID_A_SECOND, Said as SaidSchema } from './records.ts'

/** How the network half is started on this platform. */
export interface NetworkProgram {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Makes sure that none runs that was started before. Never rejects, and is bounded in time. */
  readonly clear: () => Promise<void>
}

/** What the agent does for the half. */
export interface Service {
  /** The metrics of the agent. */
  readonly metrics: () => Promise<string>
  readonly scraped: (connections: number) => void
  readonly note: (note: Note) => void
}

/** How long it may take to say that it has given up, in milliseconds; and to end when nobody speaks to it any more. */
const GRACE_MS = 20_000
const END_MS = 2000
/** How often it is started for one question, and how long is waited in between, in milliseconds. */
const ATTEMPTS = 5
const AGAIN_MS = 500
/** Metrics are made no more often than with so many milliseconds in between, whatever it asks for. */
const SCRAPE_GAP_MS = 250
/** So many of its notes are kept in a minute: a few in a day are what it has to say. */
const MAX_NOTES = 10
const NOTES_MS = 60_000

type Answer = Extract<Said, { type: 'finding' | 'listening' }>
type Note = Extract<Said, { type: 'note' }>

const TOO_MUCH: Note = { type: 'note', level: 'warn', text: 'more in this minute than is kept', detail: '' }

interface Asked {
  readonly wants: Answer['type']
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/** One process of the half, from its start to its end. */
interface Running {
  readonly conversation: Conversation
  readonly asked: Map<number, Asked>
  /** Why it was ended, where it did not end by itself. */
  why: string | null
  /** It has ended without a word: whoever starts it could not, which may be another thing in a moment. */
  stillborn: boolean
  answered: boolean
}

/**
 * The unprivileged process that reaches the network, as the agent speaks with it: started when there is something to
 * ask, and again when it has ended. Nothing that it says is believed but as the answer to a question. One that says
 * anything else, or nothing, is ended, and whatever was asked of it is not known.
 */
export class NetworkHalf {
  readonly #program: NetworkProgram
  #service: Service | null = null
  /** Resolves when nothing is left of one that had to be ended. */
  #cleared: Promise<void> | null = null
  #scrapedAt = Number.NEGATIVE_INFINITY
  /** Of this minute, of all processes. */
  #notes = 0
  #notesSince = Number.NEGATIVE_INFINITY
  #running: Promise<Running> | null = null
  #lastId = 0
  #closed = false

  constructor(program: NetworkProgram) {
    this.#program = program
  }

  /** What it may ask of the agent from now on; before, and without, it may ask for nothing. */
  serve(service: Service): void {
    this.#service = service
  }

  /** Has it look. Rejects when it does not answer, and by the signal. */
  async ask(question: Question, signal: AbortSignal): Promise<Finding> {
    const limit = question.withinMs === undefined ? [] : [AbortSignal.timeout(question.withinMs + GRACE_MS)]
    const { kind, options, withinMs } = question
    const told = { type: 'check' as const, kind, options, ...(withinMs === undefined ? {} : { withinMs }) }
    const answer = await this.#ask((id) => ({ ...told, id }), 'finding', AbortSignal.any([signal, ...limit]))
    const { result, value, message } = answer
    return { result, value, message }
  }

  /** Has it listen for Prometheus, or look whether that listener is still as it should be. */
  async listen(order: ListenerOrder) {
    const { expiries, problem } = await this.#ask(
      (id) => ({ type: 'listen', id, order }),
      'listening',
      AbortSignal.timeout(GRACE_MS)
    )
    return { expiries, problem: problem === null ? null : clean(problem) }
  }

  /** Ends it, within a few seconds. */
  async close(): Promise<void> {
    this.#closed = true
    const running = await this.#running?.catch(() => null)
    if (running) await this.#hangUp(running)
    await this.#cleared
  }

  async #hangUp({ conversation }: Running): Promise<void> {
    conversation.hangUp()
    const late = new Promise<'late'>((resolve) => void setTimeout(resolve, END_MS, 'late').unref())
    const last = await Promise.race([conversation.ended, late])
    if (last === 'late') conversation.kill()
    else if (last.code === 0) return
    await this.#program.clear()
  }

  /** A service manager that is re-executed, or whose bus is, starts nothing for a moment. */
  async #ask<T extends Answer['type']>(
    told: (id: number) => Told,
    wants: T,
    signal: AbortSignal
  ): Promise<Extract<Answer, { type: T }>> {
    for (let attempt = 1; ; attempt++) {
      const running = await this.#start()
      signal.throwIfAborted()
      try {
        return await this.#askOnce(running, told, wants, signal)
      } catch (error) {
        if (!running.stillborn || attempt === ATTEMPTS) throw error
        await delay(AGAIN_MS, undefined, { signal })
      }
    }
  }

  #askOnce<T extends Answer['type']>(
    running: Running,
    told: (id: number) => Told,
    wants: T,
    signal: AbortSignal
  ): Promise<Extract<Answer, { type: T }>> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        reject(signal.reason as Error)
        tell(running, { type: 'cancel', id })
        const hangs = () => running.asked.has(id) && end(running, 'it did not answer')
        setTimeout(hangs, GRACE_MS).unref()
      }
      signal.addEventListener('abort', giveUp, { once: true })
      const over = () => {
        signal.removeEventListener('abort', giveUp)
        running.asked.delete(id)
      }
      running.asked.set(id, {
        wants,
        // What it answers is what was asked for, or it was ended before.
        resolve: (answer) => {
          over()
          resolve(answer as Extract<Answer, { type: T }>)
        },
        reject: (error) => {
          over()
          reject(error)
        }
      })
      tell(running, told(id))
    })
  }

  #start(): Promise<Running> {
    this.#running ??= this.#begin().catch((error: unknown) => {
      this.#running = null
      throw error
    })
    return this.#running
  }

  async #begin(): Promise<Running> {
    const { argv, env, clear } = this.#program
    await (this.#cleared ?? clear())
    this.#cleared = null
    if (this.#closed) throw new BelayError('command-failed', 'the agent is stopping')
    let running: Running | null = null
    const reader = this.#reader()
    const onLine = (line: string) => {
      if (running !== null && running.why === null) reader(running, line)
    }
    const conversation = converse(argv, { env, onLine, maxLine: MAX_SAID })
    running = { conversation, asked: new Map(), why: null, stillborn: false, answered: false }
    const started = running
    void conversation.ended.then(({ code, words, excess }) => {
      this.#running = null
      started.why ??= excess
      // Only who started it may be gone: systemd ends that one with the agent, and the half goes on where it likes.
      if (!this.#closed && (started.why !== null || code !== 0)) this.#cleared = clear()
      started.stillborn = started.why === null && !started.answered
      const why = started.why ?? (clean(words) || 'it says not why')
      const error = new BelayError('command-failed', `the network half has ended: ${why}`)
      for (const asked of started.asked.values()) asked.reject(error)
    })
    return running
  }

  /** Reads what one process says, and ends it where that is not what it may say. */
  #reader(): (running: Running, line: string) => void {
    let [second, count] = [0, 0]
    let scraping = false
    return (running, line) => {
      const now = Math.floor(monotonicMs() / 1000)
      count = now === second ? count + 1 : 1
      second = now
      const said = count > MAX_SAID_A_SECOND ? null : readSaid(line)
      const service = this.#service
      if (said !== null && 'id' in said) {
        const asked = running.asked.get(said.id)
        if (asked?.wants === said.type) {
          running.answered = true
          return asked.resolve(said)
        }
      }
      if (said?.type === 'note' && service !== null) return this.#note(service, said)
      if (said?.type !== 'scrape' || service === null || scraping) return end(running, NOT_A_RECORD)
      scraping = true
      void this.#scrape(running, service, said.connections).finally(() => {
        scraping = false
      })
    }
  }

  /** The log is the host's: a line of it for each of the half's would push everything else out. */
  #note(service: Service, note: Note): void {
    const now = monotonicMs()
    if (now - this.#notesSince >= NOTES_MS) [this.#notes, this.#notesSince] = [0, now]
    this.#notes += 1
    if (this.#notes < MAX_NOTES) service.note(note)
    if (this.#notes === MAX_NOTES) service.note(TOO_MUCH)
  }

  async #scrape(running: Running, service: Service, connections: number): Promise<void> {
    const wait = this.#scrapedAt + SCRAPE_GAP_MS - monotonicMs()
    if (wait > 0) await delay(wait)
    this.#scrapedAt = monotonicMs()
    service.scraped(connections)
    const text = await service.metrics().catch(() => null)
    tell(running, { type: 'metrics', text })
  }
}

const NOT_A_RECORD = 'it said what it was not asked for'

/** Node's readline takes these two for the end of a line, JSON does not. */
const lineOf = (told: Told) =>
  JSON.stringify(told).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')

const tell = ({ conversation }: Running, told: Told) => conversation.say(lineOf(told))

function end(running: Running, why: string): void {
  running.why ??= why
  running.conversation.kill()
}

function readSaid(line: string): Said | null {
  if (line.length > MAX_SAID) return null
  try {
    const said: unknown = JSON.parse(line)
    return Value.Check(SaidSchema, said) ? said : null
  } catch {
    return null
  }
}
