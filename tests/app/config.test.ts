import { describe, expect, it } from "vitest";
import { readConfig, readLocalConfig } from "../../src/app/config.ts";

const embeddingsOf = async (settings: Record<string, string>) => {
  const server = { EMBEDDINGS_URL: "http://localhost:1234/v1", EMBEDDINGS_MODEL: "e5-small" };
  return (await readLocalConfig({ ...server, ...settings })).embeddings;
};

it("a prefix can be none, which is something else than not set", async () => {
  expect(await embeddingsOf({ EMBEDDINGS_DOCUMENT_PREFIX: "", EMBEDDINGS_QUERY_PREFIX: " None " })).toMatchObject({
    documentPrefix: undefined,
    queryPrefix: "",
  });
  expect(await embeddingsOf({ EMBEDDINGS_QUERY_PREFIX: "search_query: " })).toMatchObject({
    queryPrefix: "search_query: ",
  });
});

it("the length of vectors can be set", async () => {
  expect(await embeddingsOf({ EMBEDDINGS_DIMENSIONS: "512" })).toMatchObject({ dimensions: 512 });
  await expect(embeddingsOf({ EMBEDDINGS_DIMENSIONS: "0" })).rejects.toThrow("EMBEDDINGS_DIMENSIONS must be");
});

it.each([
  ["$5", { dollars: 5 }],
  ["2.50 USD", { dollars: 2.5 }],
  ["10 dollars", { dollars: 10 }],
  ["2000000", { tokens: 2_000_000 }],
  ["2,000,000 tokens", { tokens: 2_000_000 }],
  ["500k", { tokens: 500_000 }],
  ["1.5M tokens", { tokens: 1_500_000 }],
  ["900 tokens", { tokens: 900 }],
])("a month's budget can be dollars or tokens: %s", async (given, budget) => {
  expect(await embeddingsOf({ EMBEDDINGS_BUDGET: given })).toMatchObject({ budget });
});

it.each(["5", "0", "$0", "-5", "$", "5 €", "5 tokens USD", "$5 tokens", "1.5 tokens", "much"])(
  "a budget that could be meant in several ways is refused: %s",
  async (given) => {
    await expect(embeddingsOf({ EMBEDDINGS_BUDGET: given })).rejects.toThrow(
      "EMBEDDINGS_BUDGET must be dollars or tokens a month, e.g. $5 or 2000000",
    );
  },
);

it("a budget without a server to spend it on is refused", async () => {
  await expect(readLocalConfig({ EMBEDDINGS_BUDGET: "$5" })).rejects.toThrow("EMBEDDINGS_URL is missing");
});

describe("a setting that does not exist", () => {
  it.each([
    ["EMBEDDING_URL", "EMBEDDINGS_URL"],
    ["EMBEDDINGS_BASE_URL", "EMBEDDINGS_URL"],
    ["EMBEDINGS_MODEL", "EMBEDDINGS_MODEL"],
    ["ALERT_MEMORY_PRECENT", "ALERT_MEMORY_PERCENT"],
    ["DATADIR", "DATA_DIR"],
    ["KV_URI", "KV_URL"],
    ["log_level", "LOG_LEVEL"],
    ["COMMANDS_PREFIX", "COMMAND_PREFIX"],
  ])("%s is refused: did you mean %s?", async (written, meant) => {
    await expect(readLocalConfig({ [written]: "x" })).rejects.toThrow(
      `${written} is not a setting: did you mean ${meant}?`,
    );
  });

  it("DISCORD_BOT_TOKEN is told beside the token that is missing", async () => {
    const reading = readConfig(undefined, { DISCORD_BOT_TOKEN: "a.b.c" });
    await expect(reading).rejects.toThrow(
      /DISCORD_TOKEN is missing.*\n.*DISCORD_BOT_TOKEN is not a setting: did you mean/,
    );
  });

  it("of other programs is none of ours, nor is one near to what is set", async () => {
    const others =
      "PATH HOME HOST HOSTNAME PORT PWD SHELL DB_URL DATABASE_URL API_URL PG_URL RUST_LOG LOG LOGNAME LOG_FORMAT XDG_DATA_DIRS " +
      "XDG_DATA_HOME KV_REST_API_URL KV_REST_API_TOKEN AWS_REGION S3_ENDPOINT OPENAI_API_KEY NODE_ENV NODE_OPTIONS CI TERM DEBUG " +
      "DISCORD_WEBHOOK_URL DISCORD_CLIENT_ID CARGO_LOG_LEVEL RUNLEVEL HEALTHCHECK_URL npm_config_loglevel SHLVL INDEX EDITOR";
    const given = Object.fromEntries(others.split(" ").map((name) => [name, "x"]));
    await expect(readLocalConfig(given)).resolves.toMatchObject({ dataDir: "./data" });
    await expect(readLocalConfig({ LOG_LEVEL: "warn", LOG_LEVELS: "x" })).resolves.toMatchObject({ log: "warn" });
  });
});

it("values out of range are refused, all at once", async () => {
  const wrong = {
    ALERT_MEMORY_PERCENT: "300",
    ALERT_FAILURE_PERCENT: "0",
    ALERT_SLOW_SECONDS: "0",
    ALERT_STALLED_MINUTES: "0",
    ALERT_DISK_LOW_GB: "99999999",
    KEEP_OLD_INDEX_DAYS: "99999999",
    KEEP_LEFT_DAYS: "99999999",
    // Longer than a timer lasts: it would end at once.
    EMBEDDINGS_TIMEOUT_SECONDS: "3000000",
    EMBEDDINGS_PARALLEL: "5000",
    EMBEDDINGS_BATCH: "1000000",
    EMBEDDINGS_DIMENSIONS: "1000000",
    EMBEDDINGS_TOKENS_PER_MINUTE: "9".repeat(30),
  };
  const reading = readLocalConfig({ EMBEDDINGS_URL: "http://localhost:1234/v1", ...wrong });
  await expect(reading).rejects.toThrow("The configuration has 12 problems:");
  for (const name of Object.keys(wrong)) await expect(reading).rejects.toThrow(`  - ${name} must be `);
});
