import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { crc32 } from 'node:zlib'

/** Behind the name of a file of the bundle: what V8 made of it when the bundle was built. */
export const COMPILED = '.compiled'

/** Bytes before the compiled code: the checksum. */
const HEADER = 4

/**
 * V8 takes what it is given for whole and for its own, if only the first bytes are: so the checksum is over this Node, this
 * machine's kind, the source and the code. It is against mistakes and not against people: code and source lie in one folder,
 * and who can write the one can write the other.
 */
const checksumOf = (source: Buffer, code: Buffer): number =>
  crc32(code, crc32(source, crc32(`${process.version} ${process.arch}`)))

/** Content of the file with the compiled code. */
export function compiledFile(source: Buffer, code: Buffer): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt32LE(checksumOf(source, code))
  return Buffer.concat([header, code])
}

/** The compiled code of a source; none where it is missing, of something else, or damaged. */
function readCompiled(file: string, source: Buffer): { cachedData?: Buffer } {
  try {
    const content = readFileSync(`${file}${COMPILED}`)
    const cachedData = content.subarray(HEADER)
    return content.readUInt32LE() === checksumOf(source, cachedData) ? { cachedData } : {}
  } catch {
    return {}
  }
}

/** A file of the bundle as V8 runs it: a function of what every CommonJS module gets. */
export const scriptOf = (filename: string, source: Buffer, compiled: { cachedData?: Buffer } = {}) =>
  // What esbuild writes is ASCII.
  new Script(`(function (exports, require, module) {${source.toString('latin1')}\n})`, {
    filename,
    ...compiled
  })

/** Modules of Node that cost more than a file of ours, and of which most commands use nothing. Each is a plain object. */
const LATE = [
  'child_process',
  'crypto',
  'fs/promises',
  'http',
  'https',
  'net',
  'tls',
  'worker_threads',
  'zlib'
]

/** A module of Node, loaded when the first of it is used and not where it is asked for; at once where all of it is. */
function builtin(name: string): unknown {
  const load = () => process.getBuiltinModule(name) as object
  if (!LATE.includes(name.replace(/^node:/, ''))) return load()
  return new Proxy(
    {},
    {
      // esbuild asks each module whether it was one of ES.
      get: (_, key) => (key === '__esModule' ? undefined : Reflect.get(load(), key)),
      ownKeys: () => Reflect.ownKeys(load())
    }
  )
}

interface Module {
  exports: Record<string, unknown>
  readonly filename: string
  /** The folder. */
  readonly path: string
  readonly url: string
}

/** Called with every file that has been read, before it runs. */
export type Watch = (file: string, source: Buffer, script: Script) => void

/**
 * Loads files of the bundle in `directory`, each once; gives the function that does. They are what esbuild makes of the
 * sources: CommonJS that requires each other and Node's own modules. Nothing is read from anywhere else.
 */
export function loader(directory: string, watch?: Watch): (name: string) => Record<string, unknown> {
  const modules = new Map<string, Module>()
  const load = (name: string): Record<string, unknown> => {
    const known = modules.get(name)
    if (known) return known.exports
    const filename = join(directory, name)
    const source = readFileSync(filename)
    const script = scriptOf(filename, source, readCompiled(filename, source))
    watch?.(name, source, script)
    const module: Module = {
      exports: {},
      filename,
      path: directory,
      get url() {
        return pathToFileURL(filename).href
      }
    }
    modules.set(name, module)
    script.runInThisContext()(module.exports, require, module)
    return module.exports
  }
  const require = (name: string) => (name.startsWith('./') ? load(name.slice(2)) : builtin(name))
  return load
}
