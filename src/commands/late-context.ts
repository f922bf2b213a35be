// The context of commands that may be used before what they need is there.

import type { CommandContext } from "./command.ts";

type Services = Pick<CommandContext, "backfill" | "notes" | "privacy" | "search" | "access" | "rules">;

/** @param services asked each time one of them is needed. @throws UserError that says why it is not there yet */
export function lateContext(
  rest: Omit<CommandContext, keyof Services>,
  services: (isForAdmins: boolean) => Services,
): CommandContext {
  return {
    ...rest,
    get backfill() {
      return services(true).backfill;
    },
    get notes() {
      return services(false).notes;
    },
    get privacy() {
      return services(false).privacy;
    },
    get rules() {
      return services(true).rules;
    },
    get search() {
      return services(false).search;
    },
    get access() {
      return services(false).access;
    },
  };
}
