import { certificateExpiryKind } from './certificate-expiry.ts'
import { commandKind } from './command.ts'
import { declaredSecretsKind } from './declared-secrets.ts'
import { diskKind } from './disk.ts'
import { dnsKind } from './dns.ts'
import { driftKind } from './drift.ts'
import { failedUnitsKind } from './failed-units.ts'
import { gcRootsKind } from './gc-roots.ts'
import { homeManagerKind } from './home-manager.ts'
import { httpKind } from './http.ts'
import type { Kind } from './kind.ts'
import { loadKind } from './load.ts'
import { logErrorsKind } from './log-errors.ts'
import { memoryKind } from './memory.ts'
import { meshKind } from './mesh.ts'
import { secretsPresentKind } from './secrets-present.ts'
import { serviceKind } from './service.ts'
import { serviceRestartsKind } from './service-restarts.ts'
import { sshKind } from './ssh.ts'
import { stuckJobsKind } from './stuck-jobs.ts'
import { tcpKind } from './tcp.ts'
import { temperatureKind } from './temperature.ts'
import { timeSyncKind } from './time-sync.ts'
import { unexpectedRebootKind } from './unexpected-reboot.ts'
import { userUnitsKind } from './user-units.ts'

/** Every kind of check, by the name that the configuration uses. */
export const kinds = {
  'failed-units': failedUnitsKind,
  service: serviceKind,
  'service-restarts': serviceRestartsKind,
  'home-manager': homeManagerKind,
  'user-units': userUnitsKind,
  'stuck-jobs': stuckJobsKind,
  'log-errors': logErrorsKind,
  command: commandKind,
  http: httpKind,
  tcp: tcpKind,
  dns: dnsKind,
  ssh: sshKind,
  mesh: meshKind,
  disk: diskKind,
  'gc-roots': gcRootsKind,
  memory: memoryKind,
  load: loadKind,
  temperature: temperatureKind,
  'time-sync': timeSyncKind,
  'secrets-present': secretsPresentKind,
  'declared-secrets': declaredSecretsKind,
  'certificate-expiry': certificateExpiryKind,
  drift: driftKind,
  'unexpected-reboot': unexpectedRebootKind
} as const satisfies Record<string, Kind>
export type KindName = keyof typeof kinds
