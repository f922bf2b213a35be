// Which folder may import which: the table that tests/layout.test.ts enforces, and the picture in CONTRIBUTING.md made from it.

/** Folders of src that each may import from, beside itself and those open to all. Arrows point down this list only. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  cli: ["app", "adapters", "views", "backfill", "importing", "indexing"],
  app: ["adapters", "backfill", "search", "sync", "indexing", "embedding"],
  commands: ["views", "backfill", "search", "indexing"],
  views: ["backfill", "search", "sync"],
  backfill: ["sync", "indexing", "embedding"],
  search: [],
  sync: ["indexing"],
  indexing: ["embedding"],
  importing: [],
  embedding: [],
  adapters: [],
  async: [],
  ports: [],
};

/** What every folder may import. */
export const openToAll: readonly string[] = [
  "ports",
  "async",
  "errors.ts",
  "snowflake.ts",
  "content-hash.ts",
  "fold.ts",
  "full-text.ts",
  "letters.ts",
  "maps.ts",
  "refusals.ts",
  "script-beside.ts",
  "slices.ts",
  "sums.ts",
  "tags.ts",
  "vectors.ts",
];

/** Folders inside src/backfill, the lowest first: each may import those before it, and the files beside them all. */
export const insideBackfill: readonly string[] = ["run", "compare", "reporting", "work", "lifecycle"];

/** True when a chain of two arrows or more leads there as well: the picture leaves such an arrow out. */
function isImplied(from: string, to: string): boolean {
  const reaches = (start: string): boolean => (mayImport[start] ?? []).some((next) => next === to || reaches(next));
  return (mayImport[from] ?? []).some((next) => next !== to && reaches(next));
}

/** The table as a Mermaid graph, which GitHub draws. */
export function folderPicture(): string {
  const arrows = Object.entries(mayImport).flatMap(([from, all]) =>
    all.filter((to) => !isImplied(from, to)).map((to) => `  ${from} --> ${to}`),
  );
  const inside = insideBackfill.toReversed().join(" --> ");
  const everywhere = openToAll.filter((name) => !name.endsWith(".ts")).join(", ");
  return [
    "```mermaid",
    "graph TD",
    "  attach[attach.ts, bot.ts] --> app & commands & importing",
    ...arrows,
    `  subgraph backfill\n    ${inside}\n  end`,
    `  all[all of them] --> open[${everywhere}]`,
    "```",
  ].join("\n");
}

/** @returns CONTRIBUTING.md with the picture as the table has it now */
export function withPicture(page: string): string {
  return page.replace(/```mermaid\n[\s\S]*?```/, () => folderPicture());
}
