// What /backfill and its buttons do once it is clear who asks and the interaction is deferred: ask the engine, show a view.

import { sampleFor } from "../backfill/compare/proof-messages.ts";
import type { Analysis } from "../backfill/compare/survey.ts";
import type { Verification } from "../backfill/compare/verify.ts";
import { toError, UserError } from "../errors.ts";
import { RefusedError } from "../refusals.ts";
import { isReadable } from "../search/access.ts";
import type { Snowflake } from "../snowflake.ts";
import { allGuildsView, analysisView, analyzingView } from "../views/analysis.ts";
import { type AskedPlan, checkingView, pauseView, rollbackQuestionView, startView } from "../views/answers.ts";
import { monthsChart } from "../views/charts/months.ts";
import { failuresView, retriedView } from "../views/failures.ts";
import { rollbackIndexQuestionView, rolledBackIndexView } from "../views/generation-change.ts";
import { errorText } from "../views/refusals.ts";
import { statusView } from "../views/status.ts";
import { rolledBackView, verificationView } from "../views/verification.ts";
import { readableFor } from "./access.ts";
import { reportChannel, requireApplicationOwner } from "./admin.ts";
import type { ClickInteraction, CommandContext, SlashInteraction } from "./command.ts";
import { answer, createGrowingReply } from "./reply.ts";
import { note } from "./settings.ts";

type Asked = SlashInteraction | ClickInteraction;

const failuresListed = 50;

export async function analyze(interaction: Asked, context: CommandContext): Promise<void> {
  const reply = createGrowingReply(interaction, context);
  const analysis = await context.backfill.analyze(interaction.guildId, (records) => reply.grow(analyzingView(records)));
  await reply.finish(analysisView(analysis), monthsChart(analysis));
}

export async function analyzeAll(interaction: SlashInteraction, context: CommandContext): Promise<void> {
  await requireApplicationOwner(interaction);
  const reply = createGrowingReply(interaction, context);
  const guildIds = await context.archive.guilds();
  const lines: { name: string; result: Analysis | string }[] = [];
  for (const guildId of guildIds) {
    reply.grow(allGuildsView(lines, guildIds.length));
    const result = await context.backfill.analyze(guildId).catch((thrown: unknown) => {
      context.logger.warn("analysis:failed", { guildId, error: toError(thrown).message });
      return thrown instanceof UserError ? errorText(thrown) : "could not be counted; the log says why";
    });
    lines.push({ name: interaction.client.guilds.cache.get(guildId)?.name ?? `server ${guildId}`, result });
  }
  await reply.finish(allGuildsView(lines, guildIds.length));
}

export async function start(
  interaction: Asked,
  context: CommandContext,
  asked: AskedPlan,
  reportTo: Snowflake | undefined,
  changePlan = false,
): Promise<void> {
  const adminChannelId = await reportChannel(interaction, context.archive, reportTo);
  const reply = createGrowingReply(interaction, context);
  reply.grow(checkingView());
  const options = { ...asked, adminChannelId, startedBy: interaction.user.id, ...(changePlan && { changePlan }) };
  const outcome = await context.backfill.start(interaction.guildId, options);
  const runId = "status" in outcome ? outcome.status.run?.id : undefined;
  if (outcome.outcome === "started") await note(interaction, context, "run-started", runId);
  if (outcome.outcome === "resumed") await note(interaction, context, "run-resumed", runId);
  await reply.finish(startView(outcome, options));
}

/** Goes on with the latest run by its own plan, and reports where it reported unless told otherwise. */
export async function resume(
  interaction: Asked,
  context: CommandContext,
  reportTo: Snowflake | undefined,
): Promise<void> {
  const { run } = await context.backfill.status(interaction.guildId);
  const own: AskedPlan = run ? { phases: run.phases.map(({ name }) => name), pace: run.pace, source: run.source } : {};
  await start(interaction, context, own, reportTo);
}

export async function pause(interaction: Asked, context: CommandContext): Promise<void> {
  const paused = await context.backfill.pause(interaction.guildId, `<@${interaction.user.id}>`);
  const isOurs = paused.outcome !== "nothing-running" && paused.outcome !== "already-paused";
  if (isOurs) await note(interaction, context, "run-paused", paused.status.run?.id);
  await answer(interaction, pauseView(paused));
}

export async function failures(interaction: Asked, context: CommandContext): Promise<void> {
  const [entries, { quarantined, run }] = await Promise.all([
    context.backfill.failures(interaction.guildId, failuresListed),
    context.backfill.status(interaction.guildId),
  ]);
  await answer(
    interaction,
    failuresView(entries, quarantined ?? entries.length, run?.failedBatches ?? [], interaction.guildId),
  );
}

export async function status(interaction: Asked, context: CommandContext): Promise<void> {
  await answer(interaction, statusView(await context.backfill.status(interaction.guildId)));
}

export async function verify(interaction: Asked, context: CommandContext): Promise<void> {
  const reply = createGrowingReply(interaction, context);
  const verification = await context.backfill.verify(interaction.guildId, (records) =>
    reply.grow(analyzingView(records)),
  );
  await reply.finish(verificationView(await showable(interaction, context, verification), interaction.guildId));
}

/** With the messages of its sample that whoever sees the answer can read. */
async function showable(
  interaction: Asked,
  context: CommandContext,
  verification: Verification,
): Promise<Verification> {
  // What was done is worth more than its sample: where it cannot be known who reads what, nothing is shown of that.
  const readable = await readableFor(interaction, context, interaction.ephemeral !== true).catch((thrown: unknown) => {
    context.logger.warn("report:sample-closed", { guildId: interaction.guildId, error: toError(thrown).message });
    return { accessChannelIds: [] };
  });
  return { ...verification, sample: sampleFor(verification.sample, (record) => isReadable(record, readable)) };
}

export async function retry(interaction: Asked, context: CommandContext): Promise<void> {
  const retried = await context.backfill.retry(interaction.guildId);
  if (retried > 0) await note(interaction, context, "failures-retried");
  await answer(interaction, retriedView(retried));
}

/** Rolling back asks first. */
export async function askRollback(interaction: Asked, context: CommandContext): Promise<void> {
  const { run } = await context.backfill.status(interaction.guildId);
  if (!run || run.status === "cancelled") {
    throw new UserError("There is no backfill to take back. Nothing was changed.");
  }
  await answer(interaction, rollbackQuestionView(run));
}

/** Back to the index of before a change of the model. */
export async function askRollbackIndex(interaction: Asked, context: CommandContext): Promise<void> {
  const former = await context.backfill.formerIndex(interaction.guildId);
  if (former === undefined) throw new RefusedError({ kind: "no-former-index" });
  await answer(interaction, rollbackIndexQuestionView(former));
}

/** @param fingerprint of the index the question was about */
export async function rollbackIndex(
  interaction: ClickInteraction,
  context: CommandContext,
  fingerprint: string,
): Promise<void> {
  const former = await context.backfill.formerIndex(interaction.guildId);
  if (former?.fingerprint !== fingerprint) {
    throw new UserError("The search index has been changed meanwhile. Nothing was changed now.");
  }
  const rolledBack = await context.backfill.rollbackIndex(interaction.guildId, `<@${interaction.user.id}>`);
  await note(interaction, context, "index-rolled-back");
  await answer(interaction, rolledBackIndexView(rolledBack));
}

/** @param runId the run the question was about */
export async function rollback(interaction: ClickInteraction, context: CommandContext, runId: string): Promise<void> {
  const { run } = await context.backfill.status(interaction.guildId);
  if (run?.id !== runId) throw new UserError("Another backfill has started meanwhile. Nothing was changed.");
  const { removedRows, verification } = await context.backfill.rollback(
    interaction.guildId,
    `<@${interaction.user.id}>`,
  );
  await note(interaction, context, "run-rolled-back", runId);
  await answer(interaction, rolledBackView(removedRows, verification));
}
