import { Type } from 'typebox'
import { defineKind, userName, yesOrNo } from './kind.ts'
import { judgeActive } from './service.ts'
import { showUnits } from './systemctl.ts'

/** The services in which home-manager, integrated in NixOS, activates the homes of users. */
export const homeManagerKind = defineKind({
  options: {
    users: Type.Array(userName('User with a home of home-manager'), {
      minItems: 1,
      maxItems: 50,
      description: 'Users whose home-manager-USER.service must have succeeded'
    })
  },
  gives: yesOrNo,
  begin:
    ({ users }) =>
    async (world) => {
      const units = users.map((user) => `home-manager-${user.replaceAll('-', '\\x2d')}.service`)
      return judgeActive(
        await showUnits(world, units, ['Id', 'LoadState', 'ActiveState', 'SubState', 'Result'])
      )
    }
})
