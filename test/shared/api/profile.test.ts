import fc from 'fast-check'
import t from 'tap'
import { Value } from 'typebox/value'
import { homeOf, isOfSystem, ProfileName, userOf } from '../../../shared/api/profile.ts'

t.test('names of profiles', async (t) => {
  for (const name of ['system', 'home:alice', 'home:a.b-c_d']) t.ok(Value.Check(ProfileName, name), name)
  const others = [
    '',
    'home:',
    'home:..',
    'home:../x',
    'home:-x',
    'home:a/b',
    'home:a b',
    'System',
    'home:alice\n'
  ]
  for (const name of others) t.notOk(Value.Check(ProfileName, name), JSON.stringify(name))
  t.equal(userOf('system'), null)
  t.equal(userOf(homeOf('alice')), 'alice')
  t.ok(isOfSystem({}), 'an agent of before names none')
  t.notOk(isOfSystem({ profile: 'home:alice' }))
})

t.test('no name leads out of a folder', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `home:${text}`)
      ),
      (text) => {
        if (!Value.Check(ProfileName, text)) return true
        const user = userOf(text)
        return (
          user === null || (!user.includes('/') && user !== '.' && user !== '..' && !user.startsWith('-'))
        )
      }
    )
  )
})
