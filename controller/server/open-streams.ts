import type { FastifyRequest } from 'fastify'

/** Streams of events that are open, each with who reads it. */
export class OpenStreams {
  readonly #open = new Map<FastifyRequest, () => void>()
  readonly #judge: (request: FastifyRequest) => void

  /** `judge` throws for a caller that would not be let in now. */
  constructor(judge: (request: FastifyRequest) => void) {
    this.#judge = judge
  }

  /** Remembers a stream and what cuts it. Gives what forgets it. */
  add(request: FastifyRequest, cut: () => void): () => void {
    this.#open.set(request, cut)
    return () => void this.#open.delete(request)
  }

  /** Cuts the streams whose reader would not be let in now: a token that was revoked or has expired. To be called often. */
  judge(): void {
    for (const [request, cut] of this.#open) {
      try {
        this.#judge(request)
      } catch {
        this.#open.delete(request)
        cut()
      }
    }
  }
}
