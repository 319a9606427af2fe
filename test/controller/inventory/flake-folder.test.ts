import t from 'tap'
import { flakeFolder } from '../../../controller/inventory/flake-folder.ts'

t.test('a flake that is a folder of this machine', async (t) => {
  for (const flake of [
    '/srv/fleet',
    'path:/srv/fleet',
    'path:///srv/fleet',
    'git+file:///srv/fleet',
    '/srv//fleet'
  ])
    t.equal(flakeFolder(flake), '/srv/fleet', flake)
})

t.test('what is none, or of which another state is meant', async (t) => {
  const others = ['github:example/fleet', 'fleet', 'path:.', 'path:./fleet', 'git+file:///srv/fleet?ref=main']
  const more = ['path:/srv/fleet?dir=x', 'path:/srv/my%20fleet', 'git+ssh:///srv/fleet', '']
  for (const flake of [...others, ...more]) t.equal(flakeFolder(flake), null, flake)
})
