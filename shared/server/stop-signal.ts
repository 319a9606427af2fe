/**
 * The first of SIGTERM and SIGINT. It goes on listening: while a program of execa's runs, a process in which nobody else
 * listens any more is ended at once, by signal-exit.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, resolve)
  })
}
