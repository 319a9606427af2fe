/**
 * The command line that reads what the activation of an operation has written. Anybody may write a field of that name,
 * and a user whatever into the unit of their own home: so both count, and the units are those of the profiles that the operation moves.
 */
export const journalOf = (units: readonly string[], id: string): readonly string[] => [
  'journalctl',
  ...units.map((unit) => `_SYSTEMD_UNIT=${unit}`),
  `BELAY_OPERATION=${id}`,
  '--output=cat',
  '--no-pager',
  '--quiet',
  '--lines=all'
]
