import { existsSync } from 'node:fs'

// test/a/b.test.ts covers a/b.ts; scenarios and fleet tests cover nothing by themselves.
export default (file) => {
  const module = file.replace(/^test\//, '').replace(/\.test\.ts$/, '.ts')
  return existsSync(module) ? module : null
}
