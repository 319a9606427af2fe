/** The programs of macOS that are used. Absolute: whoever sets a PATH does not choose what root runs. */
export const tools = {
  launchctl: '/bin/launchctl',
  ps: '/bin/ps',
  sync: '/bin/sync',
  sh: '/bin/sh',
  sysctl: '/usr/sbin/sysctl',
  log: '/usr/bin/log',
  last: '/usr/bin/last',
  sntp: '/usr/bin/sntp',
  sudo: '/usr/bin/sudo',
  env: '/usr/bin/env',
  id: '/usr/bin/id',
  nice: '/usr/bin/nice',
  systemsetup: '/usr/sbin/systemsetup'
} as const
