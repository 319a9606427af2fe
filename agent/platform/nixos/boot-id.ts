import { readFileSync } from 'node:fs'

/** Identity of this boot, as the kernel of Linux gives it. */
export const linuxBootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
