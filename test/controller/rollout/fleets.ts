/** Fleet files of the stories. */
export const order = `version: 1
rollout:
  stages:
    - { name: controller, select: { roles: [controller] }, soak: 30m }
    - { name: peers, select: { roles: [peer], platforms: [nixos] }, maxParallel: 2, soak: 1h }
    - { name: laptops, select: { tags: [laptop] }, maxParallel: 3, soak: 1h }
    - { name: primary, select: { tags: [primary] } }
  order:
    - { role: controller, before: peer }
hosts:
  cinnabar: { roles: [controller] }
  electrum: { roles: [peer] }
  galena: { roles: [peer] }
  scheelite: { roles: [peer] }
  stibnite: { platform: darwin, roles: [peer], tags: [primary] }
  blackphos: { platform: darwin, roles: [peer], tags: [laptop], presence: intermittent }
  rosegold: { platform: darwin, roles: [peer], tags: [laptop], presence: intermittent }
  argentum: { platform: darwin, roles: [peer], tags: [laptop], presence: intermittent }
`

export const two = `version: 1
rollout:
  stages:
    - { name: canary, select: { hosts: [galena] }, soak: 10m }
    - { name: rest, select: {}, maxParallel: 2 }
hosts: { galena: {}, electrum: {}, scheelite: {}, cinnabar: {} }
`

export const windowed = `version: 1
rollout:
  stages:
    - name: all
      select: {}
      windows: [{ days: [mon, tue], from: "09:00", to: "09:10", timeZone: UTC }]
hosts: { cinnabar: {}, electrum: {}, galena: {} }
`

export const guarded = `version: 1
rollout:
  budgets: [{ role: web, maxUnavailable: 1 }]
  stages:
    - { name: canary, select: { hosts: [galena] }, soak: 1d, verdict: conditional-go }
    - name: fleet
      select: {}
      maxParallel: 3
      approval: true
      gatesBefore: [{ name: backup-is-fresh, command: [check-backup] }]
hosts: { galena: {}, electrum: { roles: [web] }, scheelite: { roles: [web] }, cinnabar: {} }
`

export const alerted = `version: 1
rollout:
  alerts: [{ name: fleet, url: "http://prometheus.example:9090", match: { severity: critical } }]
  stages:
    - { name: canary, select: { hosts: [galena] }, soak: 10m }
    - { name: rest, select: {} }
hosts: { galena: {}, electrum: {}, scheelite: {}, cinnabar: {} }
`

export const asleep = `version: 1
rollout:
  stages:
    - { name: laptops, select: { tags: [laptop] }, soak: 4h }
    - { name: primary, select: {} }
hosts:
  rosegold: { platform: darwin, tags: [laptop], presence: intermittent }
  stibnite: { platform: darwin }
`

export const web = `version: 1
rollout:
  budgets: [{ role: web, maxUnavailable: 1 }]
  stages: [{ name: all, select: {}, maxParallel: 4 }]
hosts:
  electrum: { roles: [web] }
  galena: { roles: [web] }
  scheelite: { roles: [web] }
  rosegold: { roles: [web], presence: intermittent }
`
