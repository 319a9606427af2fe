import { hostname, userInfo } from 'node:os'
import { clean } from '../../../shared/clean.ts'

/** Who types, for the records. Behind sudo it is the one who typed sudo. */
export function operatorName(): string {
  return clean(`${process.env.SUDO_USER ?? userInfo().username}@${hostname()}`)
}
