/**
 * The command line that reads what the activation of an operation has written. Anybody may write a field of that name,
 * and a user whatever into the unit of the own home: so both count, and the unit is that of the operation's own profile.
 */
export const journalOf = (unit: string, id: string): readonly string[] => [
  'journalctl',
  `_SYSTEMD_UNIT=${unit}`,
  `BELAY_OPERATION=${id}`,
  '--output=cat',
  '--no-pager',
  '--quiet',
  '--lines=all'
]
