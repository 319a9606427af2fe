import { loader } from '../../../scripts/bundle/load.ts'

/** Runs a command of a bundle and says of each file that it loaded whether V8 took the compiled code: tell.ts DIRECTORY FILE [ARGUMENT...] */
const [directory = '', file = '', ...argv] = process.argv.slice(2)
const files: Record<string, 'taken' | 'refused' | 'none'> = {}
process.argv = [process.execPath, directory, ...argv]
process.on('exit', () => console.log(JSON.stringify(files)))
loader(directory, (name, _, { cachedDataRejected }) => {
  files[name] = cachedDataRejected === undefined ? 'none' : cachedDataRejected ? 'refused' : 'taken'
})(file)
