import { readFileSync } from 'node:fs'

/** A route as the description of its API has it. */
export interface DescribedRoute<R> {
  readonly method: string
  readonly path: string
  readonly role: R
}

/** All routes that the description of an API names, with the role that each wants. */
export function describedRoutes<R>(api: 'agent' | 'controller'): DescribedRoute<R>[] {
  const { paths } = JSON.parse(readFileSync(`openapi/${api}.json`, 'utf8')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly 'x-role': R }>>>>
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, of]) => ({
      method: method.toUpperCase(),
      path,
      role: of['x-role']
    }))
  )
}
