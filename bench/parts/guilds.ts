// Part "guilds": one process for thousands of servers, most of them small and one large.

import { join } from "node:path";
import { judged, type Part } from "../part.ts";
import { decimals, mib, ms, seconds, type Table, whole } from "../table.ts";
import type { GuildsOptions, GuildsResult } from "../tasks/guilds.ts";

export const guilds: Part = async ({ quick, lab, progress }) => {
  const size = quick
    ? { guilds: 1_000, lively: 300, backfilled: 20, largeRecords: 20_000 }
    : { guilds: 10_000, lively: 2_000, backfilled: 100, largeRecords: 100_000 };
  const folder = join(await lab.archive(1), "guilds");
  const options: GuildsOptions = { ...size, folder, serverUrl: lab.serverUrl };
  const task = lab.begin<GuildsResult>("guilds", options);
  const tell = () => {
    task.said("stage").then(
      ({ text }) => {
        progress(String(text));
        tell();
      },
      () => undefined,
    );
  };
  tell();
  const found = await task.result;
  const { bootSeconds, takenUpSeconds, rssBytes, idle, lively, backfills } = found;
  const table: Table = {
    title: `${whole(size.guilds)} servers in one process`,
    columns: ["what", "value"],
    rows: [
      ["until it owns all of them", seconds(bootSeconds)],
      ["until what was left undone in 100 of them is searchable", seconds(takenUpSeconds)],
      ["memory (RSS) then", mib(rssBytes.booted)],
      ["at rest: calls to the archive to stay the owner, a second", decimals(idle.ownerCallsPerSecond, 2)],
      ["at rest: processor", `${decimals(idle.cpuShare * 100, 1)} % of a core`],
      ["at rest: event loop late, p99", ms(idle.loopP99Ms)],
      [`${whole(size.lively)} of them written to and searched, one message each`, seconds(lively.seconds)],
      ["tables opened for that", whole(lively.opened)],
      ["most tables open at once", whole(lively.mostOpen)],
      ["memory (RSS) then", mib(rssBytes.lively)],
      [
        `${whole(size.backfilled)} small backfills beside one of ${whole(size.largeRecords)} messages`,
        seconds(backfills.seconds),
      ],
      ["the small ones were done after", seconds(backfills.smallSeconds)],
      ["the large one was at, by then", `${decimals(backfills.largeDoneByThen * 100, 0)} %`],
      ["most tables open at once", whole(backfills.mostOpen)],
      ["memory (RSS) then", mib(rssBytes.backfilled)],
    ],
  };
  return {
    tables: [table],
    notes: [
      judged("seconds until it owns all its servers", bootSeconds, { atMost: 10 }),
      judged("most tables open at once", Math.max(lively.mostOpen, backfills.mostOpen), { atMost: 256 }),
    ],
    figures: found,
  };
};
