// How a run's work ends, and what is stored and told then: checked, stopped before its end, failed, or left because nothing can be stored.

import { toError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Verification } from "../compare/verify.ts";
import type { BackfillStatus } from "../reporting/announcements.ts";
import type { Reporter } from "../reporting/progress.ts";
import type { StorageTrouble } from "../run/facts.ts";
import { isActive, type Run, withStatus } from "../run/run.ts";
import { LeaseLost, type RunState } from "../run/run-state.ts";
import { concluded, stoppedShort } from "./final-check.ts";

export interface Ending {
  /** Everything has been worked through. */
  checked(verification: Verification): Promise<void>;
  stopped(): Promise<void>;
  failed(thrown: unknown): Promise<void>;
  /** Nothing can be stored at the moment, or by this process: it is gone on with when that is over. @returns why */
  left(thrown: unknown): Promise<StorageTrouble>;
}

export function createEnding({
  guildId,
  update,
  showProgress,
  reporter,
  status,
  onSucceeded,
  clock,
  logger,
}: {
  readonly guildId: Snowflake;
  readonly update: RunState["update"];
  showProgress(): Promise<void>;
  readonly reporter: Pick<Reporter, "post">;
  status(): Promise<BackfillStatus>;
  onSucceeded(): Promise<unknown>;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
}): Ending {
  /** The run has its status: that it cannot be told, or only when the process has ended, changes nothing in it. */
  async function tell(telling: () => Promise<unknown>): Promise<void> {
    try {
      await telling();
    } catch (thrown) {
      logger.warn("run:end-untold", { guildId, reason: toError(thrown).message });
    }
  }

  const report = (verification: Verification | undefined) =>
    tell(async () => {
      await showProgress();
      await reporter.post({ kind: "report", status: await status(), verification });
    });

  return {
    async checked(verification) {
      const run = await update((each) => concluded(each, verification, clock.now()));
      // What is left undone here is done at the next start.
      if (run.status === "succeeded") await onSucceeded();
      await report(verification);
    },
    async stopped() {
      await update((run) => stoppedShort(run, clock.now()));
      await tell(showProgress);
    },
    async failed(thrown) {
      const reason = { kind: "error", message: toError(thrown).message } as const;
      logger.error("run:failed", { guildId, error: reason.message });
      await update((run) => (isActive(run.status) ? withStatus(run, "failed", reason, clock.now()) : run));
      await report(undefined);
    },
    async left(thrown) {
      const { message } = toError(thrown);
      logger.warn("run:left", { guildId, reason: message });
      if (thrown instanceof LeaseLost) return { kind: "lease-lost", how: thrown.how };
      const reason = { kind: "error", message } as const;
      const wait = (run: Run) => (run.status === "running" ? withStatus(run, "waiting", reason, clock.now()) : run);
      await update(wait).catch((second: unknown) =>
        logger.warn("run:waits-unstored", { guildId, reason: toError(second).message }),
      );
      return reason;
    },
  };
}
