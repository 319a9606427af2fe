/** One thing that was looked at. */
export interface Finding {
  readonly check: string
  readonly host: string | null
  readonly level: 'ok' | 'warn' | 'fail'
  readonly text: string
  /** What to do; null where there is nothing. */
  readonly remedy: string | null
}

/** Nothing to do. */
export const fine = (check: string, text: string, host: string | null = null): Finding => ({
  check,
  host,
  level: 'ok',
  text,
  remedy: null
})

/** Something that does not work. */
export const fails = (check: string, text: string, remedy: string, host: string | null = null): Finding => ({
  check,
  host,
  level: 'fail',
  text,
  remedy
})

/** Something that works, and will not always. */
export const warns = (check: string, text: string, remedy: string, host: string | null = null): Finding => ({
  check,
  host,
  level: 'warn',
  text,
  remedy
})
