/** Lines of a message that are kept, and of the way to an error. */
const KEPT = 20
const TRACE = 12

const isError = (line: string) => /^\s*error: \S/.test(line)

/** The line of a message that says why: of Nix's, an error that is not about another; else the first. */
export function reasonIn(message: string): string {
  const lines = message.split('\n')
  const errors = lines.filter(isError)
  const own = errors.find((line) => !/dependenc(?:y|ies)\b.*\bfailed/.test(line))
  return (own ?? errors[0] ?? lines.find((line) => line.trim() !== '') ?? '').trim()
}

/** What Nix says of an evaluation that failed: its error first, which Nix says last, then the end of the way there. */
export function evaluationError(stderr: string): string {
  const lines = stderr.trimEnd().split('\n')
  const at = lines.findLastIndex(isError)
  if (at < 0) return lines.slice(-KEPT).join('\n')
  const error = lines.slice(at, at + KEPT)
  const trace = lines.slice(Math.max(0, at - TRACE), at)
  const from = trace.findIndex((line) => /^\s*…/.test(line))
  return [...error, ...(from < 0 ? [] : ['', ...trace.slice(from)])].join('\n').trim()
}
