import type { Admission } from '../../../agent/operation/store.ts'

/** An operation as anybody would ask for it. */
export const admission: Admission = {
  kind: 'activate',
  profile: 'system',
  target: { number: null, storePath: `/nix/store/${'a'.repeat(32)}-nixos-system` },
  confirm: { by: 'connection', windowSeconds: 60 },
  principal: 'operate',
  reason: null,
  idempotency: null
}
