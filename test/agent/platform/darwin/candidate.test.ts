import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { assertCandidate, hostOf } from '../../../../agent/platform/darwin/candidate.ts'

/** A system of nix-darwin as far as it is looked at, without store or Nix. */
async function systemIn(directory: string, system = 'aarch64-darwin'): Promise<string> {
  await mkdir(join(directory, 'Library/LaunchDaemons'), { recursive: true })
  await mkdir(join(directory, 'etc/belay'), { recursive: true })
  await writeFile(join(directory, 'systemConfig'), directory)
  await writeFile(join(directory, 'system'), `${system}\n`)
  await writeFile(join(directory, 'darwin-version.json'), '{"darwinLabel":"25.11"}')
  await writeFile(join(directory, 'activate'), '#!/bin/sh\n')
  await writeFile(join(directory, 'Library/LaunchDaemons/org.nixos.belay-agent.plist'), '<plist/>')
  return directory
}

t.test('a system for this host, and every way of being none', async (t) => {
  const running = await systemIn(t.testdir())
  const root = t.testdirName
  const wanted = { hostName: 'stibnite', running }
  const refused = async (name: string, code: string, spoil: (path: string) => Promise<unknown>) => {
    const path = await systemIn(join(root, name))
    await spoil(path)
    await t.rejects(assertCandidate(path, wanted), { code }, name)
  }
  await assertCandidate(await systemIn(join(root, 'good')), wanted)
  await t.rejects(assertCandidate(join(root, 'nowhere'), wanted), { code: 'path-not-valid' })
  for (const file of ['systemConfig', 'system', 'darwin-version.json', 'activate'])
    await refused(`without-${file}`, 'not-a-system', (path) => rm(join(path, file)))
  await refused('a-copy', 'not-a-system', (path) => writeFile(join(path, 'systemConfig'), running))
  await refused('intel', 'wrong-platform', (path) => writeFile(join(path, 'system'), 'x86_64-darwin'))
  await refused('of-another', 'wrong-host', (path) =>
    writeFile(join(path, 'etc/belay/agent.json'), '{"hostName":"argentum"}')
  )
  // Of root alone, and told to nobody.
  await writeFile(join(root, '../secret'), 'hunter2')
  await refused('that-leads-out', 'not-a-system', async (path) => {
    await rm(join(path, 'systemConfig'))
    await symlink(join(root, '../secret'), join(path, 'systemConfig'))
  })
  await rm(join(root, '../secret'))
  await refused('without-agent', 'agent-missing', (path) =>
    rm(join(path, 'Library/LaunchDaemons/org.nixos.belay-agent.plist'))
  )
  await refused('with-ours', 'reserved-unit', (path) =>
    writeFile(join(path, 'Library/LaunchDaemons/org.belay.guard.x.plist'), '<plist/>')
  )
})

t.test('the host that settings name', async (t) => {
  t.equal(hostOf('{"hostName":"stibnite"}'), 'stibnite')
  for (const none of ['', '{', '{}', 'null', '{"hostName":""}', '{"hostName":1}']) t.equal(hostOf(none), null)
})
