/** A host as the order sees it. */
export interface Ordered {
  readonly name: string
  readonly roles: readonly string[]
}

/** Roles before roles, hosts after hosts. */
export interface Order {
  readonly roles: readonly { readonly role: string; readonly before: string }[]
  readonly hosts: readonly { readonly host: string; readonly after: string }[]
}

/**
 * The order as a graph. A role edge goes through a knot of its own, so that a thousand web servers behind a thousand
 * databases are two thousand edges and not a million.
 */
interface Graph {
  readonly before: ReadonlyMap<string, readonly string[]>
}

/** `a → b → a` when the order contradicts itself; null when it does not. */
export function findCycle(hosts: readonly Ordered[], order: Order): readonly string[] | null {
  const { before } = graphOf(hosts, order)
  const state = new Map<string, 'open' | 'closed'>()
  for (const start of before.keys()) {
    const cycle = walk(start, before, state)
    if (cycle !== null) return cycle.map(label)
  }
  return null
}

/** Depth first without recursion: a chain of ten thousand hosts is no error. */
function walk(
  start: string,
  before: Graph['before'],
  state: Map<string, 'open' | 'closed'>
): readonly string[] | null {
  if (state.has(start)) return null
  const path: { readonly node: string; next: number }[] = [{ node: start, next: 0 }]
  state.set(start, 'open')
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = before.get(top.node)?.[top.next]
    top.next += 1
    if (next === undefined) {
      state.set(top.node, 'closed')
      path.pop()
    } else if (state.get(next) === 'open') {
      const nodes = path.map(({ node }) => node)
      return [...nodes.slice(nodes.indexOf(next)), next].toReversed()
    } else if (!state.has(next)) {
      state.set(next, 'open')
      path.push({ node: next, next: 0 })
    }
  }
  return null
}

/** How many steps of the order stand before each host. Only for an order without a cycle. */
export function levels(hosts: readonly Ordered[], order: Order): ReadonlyMap<string, number> {
  const { before } = graphOf(hosts, order)
  const level = new Map<string, number>()
  const pending = [...before.keys()]
  while (pending.length > 0) {
    const node = pending.at(-1) ?? ''
    const missing = (before.get(node) ?? []).filter((each) => !level.has(each))
    if (missing.length > 0) {
      pending.push(...missing)
      continue
    }
    pending.pop()
    const below = (before.get(node) ?? []).map((each) => level.get(each) ?? 0)
    // A knot is no step of its own.
    const step = isKnot(node) ? 0 : 1
    level.set(node, below.reduce((most, each) => Math.max(most, each), -step) + step)
  }
  return new Map(hosts.map(({ name }) => [name, level.get(hostNode(name)) ?? 0]))
}

function graphOf(hosts: readonly Ordered[], order: Order): Graph {
  const before = new Map<string, string[]>(hosts.map(({ name }) => [hostNode(name), []]))
  order.roles.forEach(({ role, before: later }, index) => {
    const knot = knotNode(index, role, later)
    before.set(
      knot,
      hosts.filter(({ roles }) => roles.includes(role)).map(({ name }) => hostNode(name))
    )
    for (const host of hosts) {
      // A host with both roles belongs to the first.
      if (host.roles.includes(later) && !host.roles.includes(role))
        before.get(hostNode(host.name))?.push(knot)
    }
  })
  for (const { host, after } of order.hosts) before.get(hostNode(host))?.push(hostNode(after))
  return { before }
}

const hostNode = (name: string) => `h:${name}`
const knotNode = (index: number, role: string, later: string) => `k:${index}:role ${role} before ${later}`
const isKnot = (node: string) => node.startsWith('k:')
const label = (node: string) => (isKnot(node) ? `(${node.replace(/^k:\d+:/, '')})` : node.slice(2))
