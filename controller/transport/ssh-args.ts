import type { SshConnection } from '../inventory/fleet.ts'

/** Seconds until an attempt to connect is given up. */
const CONNECT_SECONDS = 10

/** `user@host` as ssh takes it. */
export function destination(ssh: SshConnection): string {
  return `${ssh.user}@${ssh.host}`
}

/** The store URL of the host for `nix copy`. */
export function storeUrl(ssh: SshConnection): string {
  return `ssh-ng://${ssh.user}@${ssh.host.includes(':') ? `[${ssh.host}]` : ssh.host}`
}

/**
 * Options for any connection: never asks, gives up in time, and notices a dead peer within a minute, where TCP alone
 * takes a quarter of an hour, or hours where nothing is on its way.
 */
export function sshOptions(ssh: SshConnection): string[] {
  return [
    ...(ssh.port === null ? [] : ['-p', String(ssh.port)]),
    ...(ssh.identityFile === null ? [] : ['-i', ssh.identityFile]),
    ...ssh.options,
    ...pairs([
      'BatchMode=yes',
      `ConnectTimeout=${CONNECT_SECONDS}`,
      'ServerAliveInterval=15',
      'ServerAliveCountMax=4'
    ])
  ]
}

/**
 * The command line of a tunnel from `local` to the agent's socket `remote`. ssh takes the first value of an
 * option, so what stands in front of the operator's options cannot be undone by them: a shared connection opened
 * before the activation would prove nothing.
 */
export function tunnelCommand(ssh: SshConnection, local: string, remote: string): string[] {
  const fixed = [
    'ControlMaster=no',
    'ControlPath=none',
    'ExitOnForwardFailure=yes',
    // Sooner than others: a confirmation waits for nobody.
    'ServerAliveInterval=5',
    'ServerAliveCountMax=2',
    'ForwardAgent=no'
  ]
  const forward = ['-L', `${local}:${remote}`]
  return [...ssh.command, '-N', '-T', ...pairs(fixed), ...forward, ...sshOptions(ssh), destination(ssh)]
}

function pairs(options: readonly string[]): string[] {
  return options.flatMap((option) => ['-o', option])
}
