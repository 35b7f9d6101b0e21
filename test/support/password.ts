import type { Config } from '../../src/config/config.ts'
import { FollowedFile } from '../../src/config/followed-file.ts'

/** The password towards the store, wherever it came from. */
export function passwordOf({ auth }: Config): string | undefined {
  const { password } = auth.egress
  return password instanceof FollowedFile ? password.text : password?.reveal()
}
