/** Work on hosts that goes on while rounds are made; one piece at a time on each. */
export function workers(ended: (host: string) => void) {
  const work = new Map<string, Promise<void>>()
  const active = new Set<string>()
  let broken: { readonly error: unknown } | null = null
  return {
    active: active as ReadonlySet<string>,
    launch(host: string, task: () => Promise<void>): void {
      active.add(host)
      const done = task()
        .catch((error: unknown) => {
          broken = { error }
        })
        .finally(() => {
          active.delete(host)
          work.delete(host)
          ended(host)
        })
      work.set(host, done)
    },
    /** Throws what a piece of work threw: an interruption, or a store that cannot be written. */
    throwIfBroken(): void {
      if (broken !== null) throw broken.error
    },
    settle: async (): Promise<void> => void (await Promise.allSettled(work.values()))
  }
}
