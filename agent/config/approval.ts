import { Type } from 'typebox'

const file = { pattern: '^/[^\\s$%]*$' }

/** Whose signature an activation needs. */
export const ApprovalSettings = Type.Object(
  {
    required: Type.Enum(['never', 'irreversible', 'always'], {
      description:
        'Activations that need an approval; irreversible: those that need a reboot or that no rollback undoes',
      default: 'never'
    }),
    approvers: Type.Integer({
      minimum: 1,
      maximum: 16,
      description: 'How many people must approve, each with a key of their own',
      default: 1
    }),
    signersFile: Type.String({
      ...file,
      description: 'Who may approve, as in allowed_signers of ssh-keygen(1)',
      default: '/etc/belay/allowed_signers'
    }),
    revokedKeysFile: Type.Union([Type.String(file), Type.Null()], {
      description: 'Keys that approve nothing any more: a KRL or public keys',
      default: null
    }),
    maxAgeSeconds: Type.Integer({
      minimum: 60,
      maximum: 2_592_000,
      description: 'An approval is too old so long after it was signed, whatever it says itself',
      default: 604_800
    }),
    revision: Type.Enum(['optional', 'required'], {
      description:
        'required: an approval names a revision, which is above that of every one used before; and the operate role rolls back to known-good generations alone',
      default: 'optional'
    })
  },
  { additionalProperties: false, description: 'Approval by signature', default: {} }
)
