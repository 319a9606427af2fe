import { readFileSync, writeFileSync } from 'node:fs'
import { mustRun } from '../shared/command.ts'
import { ensureRoot, missingPackages } from '../test/fleet/root.ts'

/** Makes this machine able to run every test: Debian packages and the root file system of the fleet's hosts. */
const show = (line: string) => console.log(line)
if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.error('setup needs Linux and root: without it npm test skips the fleet tests and says so')
  process.exit(3)
}
const missing = await missingPackages()
if (missing.length > 0) {
  const apt = ['apt-get', '-o', 'DPkg::Lock::Timeout=600']
  const options = { timeoutMs: 15 * 60_000, env: { DEBIAN_FRONTEND: 'noninteractive' }, onStderrLine: show }
  show(`installing ${missing.join(' ')}`)
  await mustRun([...apt, 'update'], options)
  await mustRun([...apt, 'install', '-y', '--no-install-recommends', ...missing], options)
}
/** Every host's systemd watches files, and all hosts are one user here: without an instance left its units fail. */
const watchers = '/proc/sys/fs/inotify/max_user_instances'
const wanted = 1024
if (Number(readFileSync(watchers, 'utf8')) < wanted)
  try {
    writeFileSync(watchers, String(wanted))
    show(`raised ${watchers} to ${wanted}, until this machine reboots`)
  } catch (error) {
    show(`${watchers} should be ${wanted} where many hosts run at once: ${error}`)
  }
show(`root of the fleet: ${await ensureRoot(show)}`)
