// npm run restore -- --guild ID [--tag NAME]: the emergency restore. Sets a server's search index back to how it was before a run,
// while the bot is stopped. Exit code 0 when done, 1 when it could not be, 2 when it was called wrongly.

import "../app/check-platform.ts";
import { type NamedVersion, namedVersions } from "../adapters/lancedb/named-versions.ts";
import { createLogger } from "../adapters/pino.ts";
import { systemClock } from "../adapters/system.ts";
import { CalledWrongly, callOf, runProgram } from "../app/command-line.ts";
import { readLocalConfig } from "../app/config.ts";
import { indexOf, openStores } from "../app/stores.ts";
import type { StoresConfig } from "../app/stores-config.ts";
import { cancelled } from "../backfill/lifecycle/rollback.ts";
import { createRunState } from "../backfill/run/run-state.ts";
import { UserError } from "../errors.ts";
import { createOwnership } from "../indexing/guild-index/ownership.ts";
import { createIndexWriter } from "../indexing/guild-index/writer.ts";
import { isSnowflake, LAST_SNOWFLAKE, type Snowflake } from "../snowflake.ts";
import { count } from "../views/words.ts";
import { dropOutdated } from "./drop-outdated.ts";

const usage = (call: string) => `Usage: ${call} --guild ID [--tag NAME]

Sets the search index of a server back to how it was before a backfill. Stop the bot first. The archive is left alone.
--tag NAME  which version, e.g. before-run-mib7k2x9-6789. Left out: lists what there is.`;

const say = (text: string) => console.log(text);

function list(versions: readonly NamedVersion[], guild: Snowflake): void {
  if (versions.length === 0)
    say(
      `No version of the index of ${guild} is kept. They are, for two weeks after the start of each backfill, unless they take more than 100 MB.`,
    );
  for (const { name, at, rows, space } of versions) {
    say(`${name}  ${new Date(at).toISOString()}  ${count(rows)} rows  (${space.fingerprint})`);
  }
}

async function restore(config: StoresConfig, guild: Snowflake, version: NamedVersion): Promise<void> {
  const clock = systemClock;
  const logger = createLogger("warn");
  const stores = await openStores(config, logger);
  const { archive, indexStore, runStore } = stores;
  const ownership = createOwnership(stores.owners, `${callOf("restore")}, process ${process.pid}`, clock, logger);
  try {
    await ownership.claim(guild);
    if (ownership.lease(guild) === undefined) {
      const holder = ownership.heldElsewhere(guild) ?? "another process";
      throw new UserError(
        `${holder} looks after this server. Stop it, wait 15 seconds, and try again. Nothing was changed.`,
      );
    }
    // First, so that a run is not resumed from a position whose rows are gone.
    const run = await runStore.load(guild);
    if (run !== undefined) {
      const state = createRunState(runStore, guild, () => ownership.lease(guild), run);
      await state.update((each) => cancelled(each, { kind: "index-restored", version: version.name }, clock.now()));
    }
    await version.restore();
    const index = await indexStore.openExisting(guild, version.space);
    if (index === undefined) throw new UserError("The index is gone.");
    const writer = createIndexWriter(index, {
      mayCommit: () => ownership.mayCommit(guild),
      isOwner: () => ownership.lease(guild) !== undefined,
      onOvertaken: async () => undefined,
      newestArchived: async () => LAST_SNOWFLAKE,
    });
    const sources = { archive, index, writer, quarantine: stores.quarantine };
    const { removed, missing } = await dropOutdated(sources, writer, guild);
    say(`The index is as it was at ${new Date(version.at).toISOString()}: ${count(version.rows)} rows.`);
    if (removed > 0) say(`${count(removed)} records that were edited or deleted since, or quoted one, were taken out.`);
    say(`Start the bot, and in it a backfill: it adds the ${count(missing)} that are missing.`);
  } finally {
    await ownership.stop();
    await stores.close();
  }
}

await runProgram({
  name: "restore",
  usage,
  flags: { guild: { type: "string" }, tag: { type: "string" } },
  async run({ guild, tag }) {
    if (guild === undefined) throw new CalledWrongly("Say which server: --guild and its id.");
    if (!isSnowflake(guild)) {
      throw new CalledWrongly(`--guild takes a server's id, a number like 1343693475581890600, not ${guild}.`);
    }
    const config = await readLocalConfig();
    const versions = await namedVersions(indexOf(config), guild);
    const version = versions.find(({ name }) => name === tag);
    if (tag === undefined) list(versions, guild);
    else if (version === undefined)
      throw new UserError(`There is no version called ${tag}. Leave out --tag for a list.`);
    else await restore(config, guild, version);
    return 0;
  },
});
