import type { ServiceChange } from '../../shared/api/plan.ts'
import type { Effect } from './unit-compare.ts'
import { compareUnits, effectOf, effectOfRemoval, stopsBefore } from './unit-compare.ts'
import { flagOf, unitWords } from './unit-file.ts'
import type { UnitFiles } from './unit-tree.ts'
import { templateOf, UnitTree } from './unit-tree.ts'

/** What systemd says of a unit that it knows. */
export interface LoadedUnit {
  readonly state: string
  /** Its file is one of the generation's. */
  readonly ours: boolean
  /** It was never tried, or its conditions held the last time. */
  readonly conditionsHold: boolean
}
export type Loaded = ReadonlyMap<string, LoadedUnit>

/**
 * What the activation of `after` does to the units where `before` runs, as switch-to-configuration decides it: running
 * units are compared; then the active targets are started again, which starts what they want and does not run.
 */
export function serviceChanges(before: UnitFiles, after: UnitFiles, loaded: Loaded): ServiceChange[] {
  const plan = new ServicePlan(new UnitTree(before), new UnitTree(after), loaded)
  return plan.changes()
}

class ServicePlan {
  readonly #old: UnitTree
  readonly #new: UnitTree
  readonly #loaded: Loaded
  readonly #effects = new Map<string, Effect>()

  constructor(old: UnitTree, now: UnitTree, loaded: Loaded) {
    this.#old = old
    this.#new = now
    this.#loaded = loaded
  }

  changes(): ServiceChange[] {
    const running = [...this.#loaded].filter(([unit, { ours }]) => ours && this.#runs(unit))
    for (const [unit] of running) if (this.#old.has(unit)) this.#decide(unit)
    for (const [unit] of running) this.#sockets(unit)
    this.#propagate(running.map(([unit]) => unit))
    this.#startWanted()
    const names = new Set([...this.#old.names(), ...this.#new.names(), ...this.#effects.keys()])
    return [...names]
      .sort()
      .map((unit) => this.#entry(unit))
      .filter((entry) => entry !== null)
  }

  #runs(unit: string): boolean {
    return ['active', 'activating'].includes(this.#loaded.get(unit)?.state ?? '')
  }

  #decide(unit: string): void {
    const effect = this.#whenRunning(unit)
    if (effect.action !== 'none') this.#effects.set(unit, effect)
  }

  /** What is done to it when it runs. */
  #whenRunning(unit: string): Effect {
    // An instance that the generation itself had made is gone with its drop-ins; others live on.
    const instance = templateOf(unit) !== null && !this.#old.hasOwnFile(unit) && !this.#new.hasOwnFile(unit)
    const dropped = instance && this.#old.hasDropins(unit) && !this.#new.hasDropins(unit)
    const [old, now] = [this.#old.settings(unit), this.#new.settings(unit)]
    if (!this.#old.has(unit)) return { action: 'start', reason: 'it is new' }
    if (dropped || !this.#new.has(unit)) return effectOfRemoval(old)
    return effectOf(unit, compareUnits(old, now), now)
  }

  /** The sockets of a service that is stopped are restarted; the service then waits until it is used. */
  #sockets(unit: string): void {
    const now = this.#new.settings(unit)
    if (this.#effects.get(unit)?.action !== 'restart' || !stopsBefore(unit, now)) return
    const named = (now.get('Service')?.get('Sockets') ?? []).flatMap((value) => value.split(/\s+/))
    const own = `${unit.replace(/(@[^.]*)?\.service$/, '')}.socket`
    const sockets = named.length > 0 ? named : [own]
    let activated = false
    for (const socket of sockets) {
      const active = this.#loaded.get(socket)?.state === 'active'
      if (active) {
        const action = this.#new.has(socket) ? 'restart' : 'stop'
        this.#effects.set(socket, { action, reason: `it belongs to ${unit}` })
      }
      activated ||= this.#new.has(socket)
    }
    if (!activated || flagOf(now, 'Service', 'X-NotSocketActivated', false)) return
    this.#effects.set(unit, {
      action: 'stop',
      reason: 'its definition changes; its socket starts it when it is used'
    })
  }

  /** systemd stops what needs a stopped unit. Its own files still say so: it reads the new ones later. */
  #propagate(running: readonly string[]): void {
    const open = [...this.#effects].filter(([, { action }]) => action === 'stop' || action === 'restart')
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [cause, { action }] = next
      for (const unit of running) {
        if (this.#effects.has(unit)) continue
        const needs = unitWords(this.#old.settings(unit), 'Requires', 'BindsTo', 'PartOf')
        if (!needs.includes(cause)) continue
        const effect: Effect = { action, reason: `it needs ${cause}` }
        this.#effects.set(unit, effect)
        open.push([unit, effect])
      }
    }
  }

  /** Starting a unit starts all that it wants, through what runs already. */
  #startWanted(): void {
    // A target is known by what it wants, wherever its own file is.
    const targets = [...this.#loaded.keys()].filter(
      (unit) => unit.endsWith('.target') && this.#runs(unit) && !this.#refusesStart(unit)
    )
    const started = [...this.#effects].flatMap(([unit, { action }]) => (action === 'restart' ? [unit] : []))
    const open = [...targets, ...started]
    const seen = new Set(open)
    for (let by = open.pop(); by !== undefined; by = open.pop()) {
      for (const unit of this.#new.pulled(by)) {
        if (seen.has(unit) || !this.#new.has(unit)) continue
        seen.add(unit)
        open.push(unit)
        this.#startIfDown(unit, by)
      }
    }
  }

  #startIfDown(unit: string, by: string): void {
    const effect = this.#effects.get(unit)
    if (effect?.action === 'stop' && this.#old.has(unit)) {
      // Stopped with what it needs, or for its socket, and wanted all the same.
      this.#effects.set(unit, { action: 'restart', reason: effect.reason })
      return
    }
    if (effect !== undefined || this.#isUp(unit)) return
    const isNew = !this.#old.has(unit)
    // What is down because its conditions do not hold stays down.
    if (!isNew && (unit.endsWith('.target') || !(this.#loaded.get(unit)?.conditionsHold ?? true))) return
    const reason = isNew ? `it is new, and ${by} wants it` : `${by} wants it, and it does not run`
    this.#effects.set(unit, { action: 'start', reason })
  }

  #isUp(unit: string): boolean {
    return ['active', 'activating', 'reloading', 'refreshing'].includes(this.#loaded.get(unit)?.state ?? '')
  }

  #refusesStart(unit: string): boolean {
    const settings = this.#new.settings(unit)
    return (
      flagOf(settings, 'Unit', 'RefuseManualStart', false) ||
      flagOf(settings, 'Unit', 'X-OnlyManualStart', false)
    )
  }

  #entry(unit: string): ServiceChange | null {
    const change = this.#changeOf(unit)
    const effect = this.#effects.get(unit)
    if (change === 'unchanged' && effect === undefined) return null
    const whenRunning = this.#whenRunning(unit)
    const idle: Effect = this.#isUp(unit) || change === 'removed' ? whenRunning : downEffect(change)
    const { action, reason } = effect ?? { ...idle, action: 'none' as const }
    return { unit, change, action, whenRunning: whenRunning.action, reason }
  }

  #changeOf(unit: string): ServiceChange['change'] {
    const [old, now] = [this.#old.has(unit), this.#new.has(unit)]
    if (!old) return 'added'
    if (!now) return 'removed'
    const [was, is] = [this.#old.settings(unit), this.#new.settings(unit)]
    return compareUnits(was, is) === 'equal' ? 'unchanged' : 'changed'
  }
}

/** Of a unit that does not run and is not started. */
const downEffect = (change: ServiceChange['change']): Effect => ({
  action: 'none',
  reason: change === 'added' ? 'it is new, and nothing starts it' : 'it does not run'
})
