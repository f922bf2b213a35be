import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { splitSearchText } from "../../../src/content-hash.ts";
import { readable, withWordedLinks } from "../../../src/indexing/text/markup.ts";
import { formatFingerprint, ownText, prepare, skipReason, textRecipe } from "../../../src/indexing/text/prepare.ts";
import { knownContext, prepareRecords, toRows } from "../../../src/indexing/text/rows.ts";
import type { Archive } from "../../../src/ports/archive.ts";
import type { ArchivedRecord } from "../../../src/ports/records.ts";
import { type Snowflake, snowflakeAfter } from "../../../src/snowflake.ts";
import { openTestArchive, type TestArchive, testId, testMessage, testNote } from "../../support/archive.ts";

const said = (content: string, given: Partial<ArchivedRecord> = {}) => testMessage(1, { content, ...given });

describe("what is skipped", () => {
  test.each([
    ["nothing at all", said(""), "no-text"],
    ["blanks", said(" \n\t "), "no-text"],
    ["zero-width characters and directional marks only", said("\u200b\u200e\u2066\ufeff\u00ad"), "invisible-text"],
  ])("%s", (_what, record, reason) => {
    expect(skipReason(record)).toBe(reason);
    expect(prepare(record)).toEqual([]);
  });

  test.each([
    ["an attachment without text", said("", { attachments: [{ name: "plan.pdf" }] }), "plan.pdf"],
    ["an alt text", said("", { attachments: [{ name: "a.png", alt: "a red kettle" }] }), "a.png: a red kettle"],
    ["a poll", said("", { poll: "Tea or coffee?\nTea\nCoffee" }), "Tea or coffee?\nTea\nCoffee"],
    ["an embed", said("", { embeds: ["A title"] }), "A title"],
    ["a forwarded text", said("", { forwarded: "passed on" }), "passed on"],
    ["right-to-left text", said("שלום עולם"), "שלום עולם"],
    ["a lone emoji", said("🫖"), "🫖"],
  ])("not %s", (_what, record, text) => {
    expect(skipReason(record)).toBeUndefined();
    expect(prepare(record).map((chunk) => chunk.text)).toEqual([text]);
  });

  test("a record with all kinds of text has them all, in order", () => {
    const all = said("words", {
      poll: "poll",
      forwarded: "forwarded",
      embeds: ["one", "two"],
      attachments: [{ name: "file" }],
    });
    expect(ownText(all)).toBe("words\npoll\nforwarded\none\ntwo\nfile");
  });
});

describe("chunks", () => {
  test("a message of four thousand characters becomes several, of which none is too long and no word is lost", () => {
    const words = Array.from({ length: 800 }, (_, n) => `w${n}`.padEnd(4, "o"))
      .join(" ")
      .slice(0, 4_000);
    const chunks = prepare(said(words));
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.map(({ chunk }) => chunk)).toEqual(chunks.map((_, place) => place));
    expect(chunks.every(({ text }) => text.length <= 2_000)).toBe(true);
    expect(
      chunks
        .map(({ text }) => text)
        .join(" ")
        .split(/\s+/),
    ).toEqual(words.split(/\s+/));
  });

  test("are of about the same length, as a short rest says little", () => {
    const lengths = prepare(said("word ".repeat(440))).map(({ text }) => text.length);
    expect(lengths).toHaveLength(2);
    expect(Math.min(...lengths)).toBeGreaterThan(900);
  });

  test("split at a paragraph rather than in a sentence", () => {
    const [first] = prepare(said(`${"a".repeat(1_000)}\n\n${"b".repeat(1_000)}`));
    expect(first?.text).toBe("a".repeat(1_000));
  });

  test("never cut a character in two, and are well-formed whatever comes in", () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary", maxLength: 4_000 }),
      fc.array(fc.nat(0xffff), { minLength: 0, maxLength: 4_000 }).map((units) => String.fromCharCode(...units)),
      fc.string({
        unit: fc.constantFrom("🛰️", "a", " ", "\n", "\u200b", "\ud83d", "ש"),
        minLength: 1_000,
        maxLength: 4_000,
      }),
    );
    fc.assert(
      fc.property(anything, (content) => {
        const record = said(content, { authorName: content.slice(0, 10) });
        const chunks = prepare(record, { neighbour: said(content), title: content });
        expect(chunks.length === 0).toBe(skipReason(record) !== undefined);
        for (const { text, embeddedText, searchText } of chunks) {
          expect([text, embeddedText, searchText].every((each) => each.isWellFormed())).toBe(true);
          expect(text.trim()).not.toBe("");
        }
      }),
      { seed: 3, numRuns: 60 },
    );
  });
});

describe("texts of a chunk", () => {
  test("carry the author; the vector without, the full text with the message before", () => {
    const [chunk] = prepare(said("the second"), { neighbour: said("the first") });
    expect(chunk).toMatchObject({
      text: "the second",
      embeddedText: "Ada: the second",
      searchText: "the first\u2028Ada: \u2029the second",
    });
  });

  test("only the first chunk carries the context, and at most 400 characters of it", () => {
    const chunks = prepare(said("long ".repeat(700)), { neighbour: said("c".repeat(900)) });
    expect(chunks[0]?.searchText.startsWith(`${"c".repeat(400)}\u2028Ada: `)).toBe(true);
    expect(splitSearchText(chunks[1]?.searchText ?? "").own).toBe(chunks[1]?.embeddedText);
  });
});

test("the author, the title and every chunk of a post are in both texts; the title is not shown", () => {
  const post = prepare(said("word ".repeat(700)), { title: "Which <:solder:1> is best?" });
  expect(post.length).toBeGreaterThan(1);
  for (const { text, embeddedText, searchText } of post) {
    expect(embeddedText).toBe(`Ada: Which :solder: is best?\n${text}`);
    expect(splitSearchText(searchText)).toEqual({ context: "", own: embeddedText, said: text });
  }
});

describe("what an ingredient of the recipe does", () => {
  const surroundings = { neighbour: said("the first"), title: "A title" };
  const link = said("see https://www.example.com/guides/solder-paste/a1b2c3d4?x=9#top");
  test.each([
    ["author", { author: false }, "A title\nsee example.com guides solder paste"],
    ["title", { title: false }, "Ada: see example.com guides solder paste"],
    ["links", { links: false }, `Ada: A title\n${link.content}`],
    ["context", { context: false }, "Ada: A title\nsee example.com guides solder paste"],
  ])("%s", (name, change, embeddedText) => {
    const [chunk] = prepare(link, surroundings, { ...textRecipe, ...change });
    expect(chunk?.embeddedText).toBe(embeddedText);
    expect(splitSearchText(chunk?.searchText ?? "").context).toBe(name === "context" ? "" : "the first");
    // The full text keeps links as they are.
    expect(chunk?.searchText).toContain("https://www.example.com/guides/solder-paste/a1b2c3d4?x=9#top");
  });

  test("chunks", () => {
    expect(prepare(said("word ".repeat(700)), {}, { ...textRecipe, chunks: false })).toHaveLength(1);
  });

  test("each makes a fingerprint of its own", () => {
    const recipes = Object.keys(textRecipe).map((name) => ({ ...textRecipe, [name]: false }));
    expect(new Set([textRecipe, ...recipes].map((recipe) => formatFingerprint(recipe, "columns"))).size).toBe(
      recipes.length + 1,
    );
    expect(formatFingerprint(textRecipe, "columns")).toMatch(/^[0-9a-f]{8}$/);
  });
});

test("a message cannot pass its words off as a neighbour's, nor its author's", () => {
  const [chunk] = prepare(said("mine\u2028also\u2029mine"), { neighbour: said("theirs\u2028also theirs") });
  expect(splitSearchText(chunk?.searchText ?? "")).toEqual({
    context: "theirs also theirs",
    own: "Ada: mine also mine",
    said: "mine also mine",
  });
});

describe("Discord's markup becomes words:", () => {
  test.each([
    ["mentions by name", "<@1> and <@!1> in <#2> of <@&3>", "@Bo and @Bo in #help of @mods"],
    ["unknown mentions stay", "<@99>", "<@99>"],
    ["custom emoji", "<:solder:123> <a:party:456>", ":solder: :party:"],
    ["times as dates", "due <t:1700000000:R>", "due 2023-11-14"],
    ["commands", "type </backfill start:123>", "type /backfill start"],
    ["code and quotes are kept", "> said\n```js\nlet a = 1 < 2;\n```", "> said\n```js\nlet a = 1 < 2;\n```"],
    ["spaces", "a \t  b\u00a0c", "a b c"],
  ])("%s", (_what, text, expected) => {
    const mentions = [
      { id: "1", name: "Bo" },
      { id: "2", name: "help" },
      { id: "3", name: "mods" },
    ];
    expect(readable(text, mentions)).toBe(expected);
  });
});

describe("links become their host and words:", () => {
  test.each([
    ["https://github.com/foo/bar-baz/issues/12?tab=x#note", "github.com foo bar baz issues"],
    ["(see https://www.youtube.com/watch?v=dQw4w9WgXcQ)", "(see youtube.com watch)"],
    ["[text](http://example.org/a/solder_guide.html)", "[text](example.org solder guide html)"],
    ["<https://example.org>", "<example.org>"],
    ["no link here: x://", "no link here: x://"],
  ])("%s", (text, expected) => {
    expect(withWordedLinks(text)).toBe(expected);
  });
});

describe("context", () => {
  let archive: TestArchive;
  beforeEach(async () => {
    archive = await openTestArchive();
  });
  afterEach(async () => {
    await archive.close();
  });

  /** @param pageSize how many records are seen together; undefined: none tells of another */
  async function contextsOf(records: readonly ArchivedRecord[], pageSize: number | undefined) {
    await archive.archive.save("1", records, { pending: false });
    const { kind } = records[0] ?? { kind: "message" };
    const contexts = new Map<string, Snowflake | undefined>();
    let lookUps = 0;
    const counting: Archive = {
      ...archive.archive,
      previous(guildId, channelId, ids) {
        lookUps += ids.length;
        return archive.archive.previous(guildId, channelId, ids);
      },
    };
    for (let newestId: Snowflake | undefined = testId(9_999_999); newestId !== undefined; ) {
      const range = { newestId, oldestId: "0" };
      const { records: page, nextNewestId } = await counting.page("1", kind, range, pageSize ?? 100);
      const oldestId = nextNewestId === undefined ? "0" : snowflakeAfter(nextNewestId);
      const known = pageSize === undefined ? undefined : knownContext(page, oldestId);
      const prepared = await prepareRecords(counting, "1", page, textRecipe, known);
      for (const { stored, contextId } of prepared) contexts.set(stored.record.content, contextId);
      newestId = nextNewestId;
    }
    return { contexts, lookUps };
  }

  test.each([
    { seen: "from a page of all", pageSize: 100, expectedLookUps: 0 },
    { seen: "from pages of two", pageSize: 2, expectedLookUps: 3 },
    { seen: "from the archive alone", pageSize: undefined, expectedLookUps: 5 },
  ])(
    "is the message just before in the same channel, not more than a day older, seen $seen",
    async ({ pageSize, expectedLookUps }) => {
      const day = 24 * 60;
      const { contexts, lookUps } = await contextsOf(
        [
          testMessage(1, { content: "first" }),
          testMessage(2, { content: "elsewhere", channelId: "101" }),
          testMessage(3, { content: "second" }),
          testMessage(3 + day, { content: "a day later" }),
          testMessage(4 + 2 * day, { content: "more than a day later" }),
        ],
        pageSize,
      );
      expect(contexts).toEqual(
        new Map([
          ["first", undefined],
          ["elsewhere", undefined],
          ["second", testId(1)],
          ["a day later", testId(3)],
          ["more than a day later", undefined],
        ]),
      );
      expect(lookUps).toBe(expectedLookUps);
    },
  );

  async function neighboursOf(records: readonly ArchivedRecord[], known: boolean) {
    await archive.archive.save("1", records, { pending: false });
    const range = { newestId: testId(9_999_999), oldestId: "0" };
    const { records: page } = await archive.archive.page("1", "message", range, 100);
    const prepared = await prepareRecords(
      archive.archive,
      "1",
      page,
      textRecipe,
      known ? knownContext(page, "0") : undefined,
    );
    return new Map(prepared.map(({ stored, contextId }) => [stored.record.content, contextId]));
  }

  test.each([true, false])("of a reply is the message it answers, however old; at hand: %s", async (known) => {
    const found = await neighboursOf(
      [
        testMessage(1, { content: "question" }),
        testMessage(2, { content: "something else" }),
        testMessage(10_000, { content: "answer", replyToId: testId(1) }),
      ],
      known,
    );
    expect(found.get("answer")).toBe(testId(1));
  });

  test.each([
    ["is gone", testId(77)],
    ["is in another channel", testId(2)],
    ["is in the same channel, but others read it", testId(3)],
    ["has no words", testId(4)],
  ])("of a reply to a message that %s is the message before", async (_what, replyToId) => {
    const found = await neighboursOf(
      [
        testMessage(2, { content: "elsewhere", channelId: "101" }),
        testMessage(3, { content: "hidden", accessChannelId: "999" }),
        testMessage(4, { content: "" }),
        testMessage(5, { content: "before" }),
        testMessage(6, { content: "answer", replyToId }),
      ],
      false,
    );
    expect(found.get("answer")).toBe(testId(5));
  });

  test("of a forum post's first message is its title, as the thread is called now", async () => {
    const post = testMessage(1, { content: "see the title", channelId: testId(1) });
    const answer = testMessage(2, { content: "an answer", channelId: testId(1) });
    const thread = { id: testId(1), name: "Which solder?", type: "public-thread", accessChannelId: "100" } as const;
    await archive.archive.saveChannels("1", [thread]);
    const stored = [post, answer].map((record) => ({ record, contentHash: "h" }));
    const texts = async () =>
      (await prepareRecords(archive.archive, "1", stored, textRecipe)).map(({ chunks }) => chunks[0]?.embeddedText);
    expect(await texts()).toEqual(["Ada: Which solder?\nsee the title", "Ada: an answer"]);
    await archive.archive.saveChannels("1", [{ ...thread, name: "Which paste?" }]);
    expect(await texts()).toEqual(["Ada: Which paste?\nsee the title", "Ada: an answer"]);
  });

  test("of a thread's origin in the channel above, and of the first message in it, is its name as title", async () => {
    const origin = testMessage(1, { content: "my wheel wobbles", channelId: "100", accessChannelId: "100" });
    const within = { channelId: testId(1), accessChannelId: "100" };
    const [first, second] = [
      testMessage(2, { content: "which one", ...within }),
      testMessage(3, { content: "both", ...within }),
    ];
    const other = testMessage(4, { content: "lunch", channelId: "100", accessChannelId: "100" });
    const thread = {
      id: testId(1),
      name: "Truing",
      type: "public-thread",
      parentId: "100",
      accessChannelId: "100",
    } as const;
    const records = [origin, first, second, other];
    await archive.archive.save("1", records, { pending: false });
    await archive.archive.saveChannels("1", [
      { id: "100", name: "bikes", type: "text", accessChannelId: "100" },
      thread,
    ]);
    const stored = records.map((record) => ({ record, contentHash: "h" }));
    const newestFirst = [...stored].reverse();
    const texts = async (known?: ReturnType<typeof knownContext>) =>
      (await prepareRecords(archive.archive, "1", stored, textRecipe, known)).map(
        ({ chunks }) => chunks[0]?.embeddedText,
      );
    const expected = ["Ada: Truing\nmy wheel wobbles", "Ada: Truing\nwhich one", "Ada: both", "Ada: lunch"];
    expect(await texts()).toEqual(expected);
    expect(await texts(knownContext(newestFirst, testId(1)))).toEqual(expected);
    await archive.archive.saveChannels("1", [{ ...thread, name: "Wheels" }]);
    expect((await texts())[0]).toBe("Ada: Wheels\nmy wheel wobbles");
    // Others read the thread than the channel.
    await archive.archive.saveChannels("1", [{ ...thread, accessChannelId: thread.id }]);
    expect((await texts())[0]).toBe("Ada: my wheel wobbles");
  });

  test("is none for notes", async () => {
    const notes = [testNote(1, { content: "one" }), testNote(2, { content: "two" })];
    expect((await contextsOf(notes, undefined)).contexts).toEqual(
      new Map([
        ["one", undefined],
        ["two", undefined],
      ]),
    );
  });

  test("rows of a private note have an owner, those of a channel note none", async () => {
    const rowsOf = async (note: ArchivedRecord) => {
      const prepared = await prepareRecords(archive.archive, "1", [{ record: note, contentHash: "h" }], textRecipe);
      return prepared.flatMap((each) => toRows(each, [Float32Array.of(1)], "run"));
    };
    expect(await rowsOf(testNote(1))).toMatchObject([{ kind: "note", ownerId: "200", runId: "run", contentHash: "h" }]);
    expect((await rowsOf(testNote(1, { visibility: "channel" })))[0]).not.toHaveProperty("ownerId");
  });
});

describe("letters", () => {
  const ngrams = (content: string, recipe = textRecipe) => prepare(said(content), {}, recipe)[0]?.ngrams;

  test("of what is not English are in a full text of their own, with the author's name", () => {
    expect(ngrams("Räder")?.split(" ").slice(-4)).toEqual(["_rad", "rade", "ader", "der_"]);
    expect(ngrams("Räder")).not.toBe("_rad rade ader der_");
    expect(ngrams("Räder", { ...textRecipe, ngrams: false })).toBe("");
    expect(ngrams("what do you think of these wheels")).toBe("");
  });

  test("in other forms are the same in full text", () => {
    const searchText = (content: string) => prepare(said(content))[0]?.searchText;
    expect(searchText("ＷＥＬＣＯＭＥ ｱﾝﾃﾅ")).toBe(searchText("WELCOME アンテナ"));
    expect(searchText("안녕하세요".normalize("NFD"))).toBe(searchText("안녕하세요"));
    expect(prepare(said("ＷＥＬＣＯＭＥ"))[0]?.text).toBe("ＷＥＬＣＯＭＥ");
  });
});
