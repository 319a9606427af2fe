/** Stands in for ssh: forwards the local socket of -L to the remote one, or fails as FAKE_SSH tells. */
import { connect, createServer } from 'node:net'

const [, forward = ''] = /^([^:]+:[^:]+)$/.exec(process.argv[process.argv.indexOf('-L') + 1] ?? '') ?? []
const [local, remote = ''] = forward.split(':')
if (process.argv.includes('fail')) {
  process.stderr.write('Warning: something\nssh: connect to host cinnabar port 22: Connection refused\n')
  process.exit(255)
}
createServer((socket) => {
  const far = connect(remote)
  socket.pipe(far).pipe(socket)
  for (const end of [socket, far]) {
    end.on('error', () => {
      socket.destroy()
      far.destroy()
    })
  }
}).listen(local)
