import { stripVTControlCharacters } from 'node:util'

/** How much a message may disturb, from least to most. */
export const priorities = ['low', 'normal', 'high', 'urgent'] as const
export type Priority = (typeof priorities)[number]

/** One message to people. */
export interface Message {
  /** The same for every attempt and every sink, so that a receiver can tell a repetition. */
  readonly id: string
  /** One line. */
  readonly title: string
  /** Markdown. */
  readonly text: string
  readonly priority: Priority
  /** Where to read on. */
  readonly url?: string
  readonly tags: readonly string[]
}

/** How one sink took a message. */
export interface Delivery {
  readonly sink: string
  readonly ok: boolean
  /** Times that it was tried; 0 when the limit of the sink kept it back. */
  readonly attempts: number
  /** Why it was not delivered; null when it was. */
  readonly error: string | null
}

/** What came of one attempt. */
export type Attempt =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly error: string
      /** Another attempt may end better. */
      readonly again: boolean
      /** How long the receiver asks to wait, in milliseconds. */
      readonly waitMs?: number
    }

/** Tries once to hand a message over. */
export type Send = (message: Message, now: number, signal: AbortSignal) => Promise<Attempt>

/** Text of hosts and people, unable to move a cursor; lines stay. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return stripVTControlCharacters(text).replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]+/g, ' ')
}

/** The beginning of a text, at most so many bytes of UTF-8, with a mark where something is missing. */
export function shortened(text: string, bytes: number): string {
  const all = Buffer.from(text)
  if (all.length <= bytes) return text
  const mark = '\n…'
  const start = all.subarray(0, bytes - Buffer.byteLength(mark)).toString('utf8')
  // A character that was cut through is the last one.
  return `${start.replace(/\ufffd$/, '')}${mark}`
}
