// npm run bench: the numbers of Backscroll, measured side by side in one run, printed as tables and written to bench/results.
//
//   npm run bench [-- PART ...] [--quick] [--json FILE] [--profile FOLDER]

import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { CalledWrongly, folderPath, runProgram, writablePath } from "../src/app/command-line.ts";
import { openLab } from "./lab.ts";
import type { Findings, Part } from "./part.ts";
import { auto } from "./parts/auto.ts";
import { change } from "./parts/change.ts";
import { growth } from "./parts/growth.ts";
import { guilds } from "./parts/guilds.ts";
import { impact } from "./parts/impact.ts";
import { others } from "./parts/others.ts";
import { pipeline } from "./parts/pipeline.ts";
import { remote } from "./parts/remote.ts";
import { removal } from "./parts/removal.ts";
import { search } from "./parts/search.ts";
import { sizes } from "./parts/sizes.ts";
import { recordsOrigin } from "./records.ts";
import { asMarkdown, asText, whole } from "./table.ts";
import { versions } from "./versions.ts";

const parts: Readonly<Record<string, Part>> = {
  pipeline,
  others,
  growth,
  search,
  sizes,
  change,
  impact,
  auto,
  removal,
  guilds,
  remote,
};
/** They take minutes however small, so --quick leaves them to whoever names them. */
const LARGE: readonly string[] = ["removal", "guilds", "remote"];
const RESULTS = join(import.meta.dirname, "results");
const usage = (call: string) => `Usage: ${call} [PART ...] [--quick] [--json FILE] [--profile FOLDER]

Parts: ${Object.keys(parts).join(", ")}; without one, all of them.
--quick    smaller sizes, and ${LARGE.join(", ")} only if named: under 8 minutes on two cores
--json     also writes the figures as JSON
--profile  also writes a CPU profile of each process into a folder (this slows them down)`;

interface Wish {
  readonly names: readonly string[];
  readonly quick: boolean;
  readonly json: string | undefined;
  readonly profile: string | undefined;
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${availableParallelism()} cores (${model}), ${whole(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`;
}

async function measure(wish: Wish): Promise<number> {
  const startedAt = new Date();
  const about = [
    `${startedAt.toISOString().slice(0, 16).replace("T", " ")} UTC${wish.quick ? ", --quick (small sizes)" : ""}`,
    machine(),
    versions(),
    `Records: ${recordsOrigin()}`,
  ];
  console.log(`${about.join("\n")}\n`);
  const lab = await openLab(wish.profile);
  const stop = () => void lab.close().finally(() => process.exit(130));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const found = new Map<string, Findings>();
  const failed: string[] = [];
  try {
    for (const name of wish.names) {
      const since = performance.now();
      const part = parts[name];
      if (part === undefined) continue;
      try {
        const progress = (text: string) => console.log(`  [${name}] ${text}`);
        const findings = await part({ quick: wish.quick, lab, progress });
        found.set(name, findings);
        const took = `${name}: ${Math.round((performance.now() - since) / 1000)} s`;
        console.log(`\n${[...findings.tables.map(asText), findings.notes.join("\n")].join("\n\n")}\n(${took})\n`);
      } catch (thrown) {
        // One part that breaks must not cost the hours of the others; the exit code tells.
        failed.push(name);
        console.error(`${name} failed:`, thrown);
      }
    }
  } finally {
    await lab.close();
  }
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
  await report(startedAt, [...about, `Took ${whole(seconds)} s`], found, wish);
  if (failed.length > 0) console.error(`Failed: ${failed.join(", ")}`);
  return failed.length > 0 ? 1 : 0;
}

async function report(at: Date, about: readonly string[], found: ReadonlyMap<string, Findings>, wish: Wish) {
  const date = `${at.toISOString().slice(0, 10)}${wish.quick ? "-quick" : ""}`;
  await mkdir(RESULTS, { recursive: true });
  const sections = [`# Bench of ${date}`, about.map((line) => `* ${line}`).join("\n")];
  for (const [name, { tables, notes, pictures = [] }] of found) {
    sections.push(`## ${name}`, ...tables.map(asMarkdown));
    for (const picture of pictures) {
      const file = `${date}-${picture.name}`;
      await writeFile(join(RESULTS, `${file}.svg`), picture.svg);
      await writeFile(join(RESULTS, `${file}.png`), picture.png);
      sections.push(`![${picture.title}](${file}.png)`);
    }
    sections.push(notes.map((note) => `* ${note}`).join("\n"));
  }
  const markdown = join(RESULTS, `${date}.md`);
  await writeFile(markdown, `${sections.join("\n\n")}\n`);
  console.log(`Written: ${markdown}`);
  if (wish.json === undefined) return;
  const figures = Object.fromEntries([...found].map(([name, findings]) => [name, findings.figures]));
  const seconds = Math.round((Date.now() - at.getTime()) / 1000);
  await writeFile(wish.json, `${JSON.stringify({ at, quick: wish.quick, about, seconds, ...figures }, null, 2)}\n`);
}

await runProgram({
  name: "bench",
  usage,
  flags: { quick: { type: "boolean", default: false }, json: { type: "string" }, profile: { type: "string" } },
  takesNames: true,
  async run({ quick, json, profile }, named) {
    const strange = named.find((name) => parts[name] === undefined);
    if (strange !== undefined) throw new CalledWrongly(`There is no part “${strange}”.`);
    const all = Object.keys(parts).filter((name) => !(quick && LARGE.includes(name)));
    return await measure({
      names: named.length > 0 ? named : all,
      quick,
      json: writablePath("json", json),
      profile: profile && resolve(folderPath("profile", profile)),
    });
  },
});
