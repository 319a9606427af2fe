import t from 'tap'
import { loadControllerSettings, parseControllerSettings } from '../../../controller/server/settings.ts'

t.test('every key has a default; what is not known or not allowed is named', async (t) => {
  const settings = await loadControllerSettings(undefined)
  t.match(settings, {
    push: true,
    collect: { seconds: 60, streams: 64 },
    listen: { address: '', port: 9464 }
  })
  const refused = (content: string, at: string) =>
    t.throws(() => parseControllerSettings(content, 'file'), { code: 'invalid-config', at })
  refused('{', 'file')
  refused('[]', 'file')
  refused('{"polls": 1}', 'polls')
  refused('{"collect": {"seconds": 1}}', 'collect.seconds')
  refused('{"groups": {"operate": 7}}', 'groups.operate')
  refused('{"listen": {"address": "::"}}', 'listen')
  await t.rejects(loadControllerSettings('/nowhere.json'), { code: 'invalid-config', at: '/nowhere.json' })
})
