import t from 'tap'
import { refusal } from '../../../agent/security/judge.ts'
import { path } from './keys.ts'

t.test('what nobody has approved is refused with the command that would, for a home too', async (t) => {
  const asked = {
    ...{ host: 'cinnabar', storePath: path('b'), revision: null, operation: null },
    mode: 'switch',
    confirm: 'connection'
  } as const
  const wanted = (profile: 'system' | 'home:ada') => refusal({ ...asked, profile }, [], 1, []).wanted
  t.equal(wanted('system'), `belay approve cinnabar --plan HASH --path ${path('b')}`)
  t.equal(wanted('home:ada'), `belay approve cinnabar --home ada --plan HASH --path ${path('b')}`)
})
