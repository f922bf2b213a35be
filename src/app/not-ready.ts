// Why Backscroll is not ready yet, for members, for admins and for the health port.

import { UserError } from "../errors.ts";

export interface NotReady {
  /** @param detail has addresses and advice, which are not for members */
  because(what: string, detail?: string): void;
  /** All of it. */
  told(): string;
  /** What whoever uses a command too early is told. */
  error(isForAdmins: boolean): UserError;
}

export function createNotReady(): NotReady {
  let why: { readonly what: string; readonly detail?: string | undefined } = { what: "it has only just been started" };
  return {
    because(what, detail) {
      why = { what, detail };
    },
    told: () => [why.what, why.detail].filter(Boolean).join(". "),
    error(isForAdmins) {
      const detail = isForAdmins && why.detail ? `${why.detail} ` : "";
      return new UserError(
        `Backscroll is not ready yet: ${why.what}. ${detail}New messages are kept meanwhile. Try again in a moment.`,
      );
    },
  };
}
