import { InvalidArgumentError } from 'commander'
import { parseStorePath } from '../../shared/store-path.ts'

/** Collects an option that may stand several times; commas separate as well. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...value.split(',').filter((part) => part !== '')]
}

/** Seconds of `90`, `90s`, `5m` or `2h`. */
export function parseWindow(text: string): number {
  const match = /^([0-9]{1,6})(s|m|h)?$/.exec(text)
  const seconds = Number(match?.[1]) * { s: 1, m: 60, h: 3600 }[(match?.[2] ?? 's') as 's' | 'm' | 'h']
  if (match !== null && seconds >= 5 && seconds <= 86_400) return seconds
  throw new InvalidArgumentError('Wanted a time from 5s to 24h, such as 90s or 5m.')
}

/** Seconds of `30m`, `24h` or `7d`. */
export function parseLifetime(text: string): number {
  const match = /^([1-9][0-9]{0,4})(m|h|d)$/.exec(text)
  const seconds = Number(match?.[1]) * { m: 60, h: 3600, d: 86_400 }[(match?.[2] ?? 'm') as 'm' | 'h' | 'd']
  if (match !== null && seconds <= 2_592_000) return seconds
  throw new InvalidArgumentError('Wanted a time from 1m to 30d, such as 30m or 24h.')
}

/** A revision of the desired state. */
export function parseRevision(text: string): number {
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Wanted a whole number.')
}

/** A number of hosts. */
export function parseCount(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Wanted a whole number from 1 to 9999.')
}

/** Collects `host=/nix/store/…`. */
export function collectPath(text: string, before: ReadonlyMap<string, string> = new Map()) {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Wanted HOST=/nix/store/….')
  return new Map([...before, [text.slice(0, at), parseStorePath(text.slice(at + 1))]])
}

/** Seconds of `0s`, `90s`, `5m`, `2h` or `7d`. */
export function parsePatience(text: string): number {
  const match = /^([0-9]{1,6})(s|m|h|d)$/.exec(text)
  if (match !== null)
    return Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's' | 'm' | 'h' | 'd']
  throw new InvalidArgumentError('Wanted a time such as 0s, 90s, 5m, 2h or 7d.')
}
