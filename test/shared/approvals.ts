import type { Approval } from '../../shared/api/approval.ts'

/** An approval that waits, but for what is given. */
export function approval(given: Partial<Approval> = {}): Approval {
  return {
    ...{ id: '1'.repeat(32), state: 'waiting', host: 'cinnabar', profile: 'system', revision: null },
    ...{ mode: 'switch', confirm: 'connection' },
    ...{ storePath: `/nix/store/${'b'.repeat(32)}-nixos-system-cinnabar`, planHash: 'a'.repeat(64) },
    ...{ issuedAt: '2026-01-02T03:04:05Z', expiresAt: '2026-01-03T03:04:05.000Z' },
    ...{ receivedAt: '2026-01-02T03:04:06.000Z', principal: 'alice@example.org', key: 'SHA256:x' },
    ...{ endedAt: null, endedBy: null, reason: null, approval: '' },
    ...given
  }
}
