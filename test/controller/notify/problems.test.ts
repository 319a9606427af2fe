import t from 'tap'
import { parseFleetFile } from '../../../controller/inventory/load.ts'

const read = (notify: string) =>
  parseFleetFile(`version: 1\nhosts: { cinnabar: {} }\nnotify:\n${notify}`, '/srv/fleet.yaml').content.notify

t.test('what is right is taken', (t) => {
  t.match(
    read(`  webhooks: { team: { url: "https://hooks.example/belay", secretFile: hook, timeout: 5s } }
  ntfy: { phone: { url: "https://ntfy.example", topic: belay, perHour: 3 } }
  commands: { mail: { command: [mail-json, ops] } }
  digest: [mail]
  weekly: [team, phone]`),
    { digest: ['mail'], weekly: ['team', 'phone'] }
  )
  t.end()
})

t.test('what is wrong is refused with its line', (t) => {
  const refused = (notify: string, message: RegExp) =>
    t.throws(() => read(notify), { code: 'invalid-fleet-file', message })
  refused(
    '  webhooks: { team: { url: "ftp://hooks.example" } }',
    /^\/srv\/fleet.yaml:4: notify.webhooks.team.url/
  )
  refused(
    '  webhooks: { team: { url: "https://ada:pass@hooks.example" } }',
    /found "https:\/\/…@hooks.example", wanted a URL without user/
  )
  refused('  webhooks: { team: { url: "https://[" } }', /a URL without user and password/)
  refused('  webhooks: { team: {} }', /url is missing/)
  refused('  ntfy: { phone: { url: "https://ntfy.example", topic: "a/b" } }', /topic: found "a\/b"/)
  refused('  commands: { mail: { command: [] } }', /command: found \[\]/)
  refused(
    '  commands: { team: { command: [a] } }\n  webhooks: { team: { url: "https://b.example" } }',
    /no other sink/
  )
  refused('  commands: { mail: { command: [a] } }\n  digest: [mial]', /digest.0: found "mial".*mail/)
  t.end()
})
