// What every archive must do; see Archive in src/ports.ts. `open` gives a fresh, empty archive for each test.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contentHash } from "../../src/content-hash.ts";
import type { Archive, IdRange } from "../../src/ports/archive.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { testId, testMessage, testNote } from "../support/archive.ts";
import { archiveRulesContract } from "./archive-rules.ts";

const GUILD = "1343693475581890600";
const OTHER_GUILD = "1343693475581890601";
const ALL: IdRange = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

export function archiveContract(
  name: string,
  open: () => Promise<{ readonly archive: Archive; close(): Promise<void> }>,
): void {
  describe(`an archive: ${name}`, () => {
    let archive: Archive;
    let close: () => Promise<void>;
    beforeEach(async () => {
      ({ archive, close } = await open());
    });
    afterEach(() => close());

    const save = (records: ArchivedRecord[], pending = false) => archive.save(GUILD, records, { pending });
    const ids = async (kind: "message" | "note" = "message", range = ALL) =>
      (await archive.page(GUILD, kind, range, 10_000)).records.map(({ record }) => record.id);
    const marks = async () => (await archive.pending(GUILD, 1000)).map(({ kind, id }) => `${kind} ${id}`).sort();

    describe("saving and reading", () => {
      test("a record comes back as it was saved, with its hash", async () => {
        const full: ArchivedRecord = testMessage(1, {
          channelId: "101",
          accessChannelId: "100",
          bot: true,
          attachments: [{ name: "a.png", alt: "a cat", contentType: "image/png" }, { name: "b" }],
          embeds: ["title", "text"],
          poll: "Which? this, that",
          forwarded: "as was said",
          mentions: [{ id: "7", name: "Grace" }],
          replyToId: testId(0),
          editedAt: 1_740_000_000_000,
        });
        const note = testNote(2, { sourceMessageId: testId(1), visibility: "channel" });
        await save([full, note]);
        expect(await archive.get(GUILD, "message", [full.id])).toEqual(
          new Map([[full.id, { record: full, contentHash: contentHash(full) }]]),
        );
        expect((await archive.get(GUILD, "note", [note.id])).get(note.id)?.record).toEqual(note);
      });

      test("any text survives: empty, lone surrogates, zero characters, right-to-left, 4,000 characters", async () => {
        const texts = ["", "\ud800", "a\udc00\ud83d\ude00b", "\u0000", "שלום \u202e abc", "語".repeat(4000), "\u200b"];
        await save(texts.map((content, n) => testMessage(n, { content, authorName: content, embeds: [content] })));
        const page = await archive.page(GUILD, "message", ALL, 100);
        expect(page.records.map(({ record }) => record.content)).toEqual([...texts].reverse());
        expect(page.records.map(({ record }) => record.authorName)).toEqual([...texts].reverse());
        expect(page.damaged).toEqual([]);
      });

      test("absent ids are absent, and a message's id is not a note's", async () => {
        await save([testMessage(1)]);
        expect([...(await archive.get(GUILD, "message", [testId(1), testId(2)])).keys()]).toEqual([testId(1)]);
        expect((await archive.get(GUILD, "note", [testId(1)])).size).toBe(0);
        expect((await archive.get(OTHER_GUILD, "message", [testId(1)])).size).toBe(0);
        expect((await archive.get(GUILD, "message", [])).size).toBe(0);
      });

      test("save tells new, changed and equal records apart", async () => {
        const records = numbers(30).map((n) => testMessage(n));
        expect(await save(records)).toEqual({ created: 30, changed: 0, same: 0 });
        const edited = records.map((record, n) => (n % 3 === 0 ? { ...record, content: "edited" } : record));
        expect(await save([...edited, testMessage(31)])).toEqual({ created: 1, changed: 10, same: 20 });
        expect(await save([])).toEqual({ created: 0, changed: 0, same: 0 });
        const renamed = testMessage(31, { authorName: "Countess Lovelace" });
        expect(await save([renamed])).toEqual({ created: 0, changed: 1, same: 0 });
      });

      test("of several versions of one record in one save the last stays", async () => {
        expect(await save([testMessage(1), testMessage(1, { content: "b" })])).toMatchObject({ created: 1 });
        expect((await archive.get(GUILD, "message", [testId(1)])).get(testId(1))?.record.content).toBe("b");
      });

      test("a batch that lies thinly among many others is told apart too", async () => {
        await save(numbers(400).map((n) => testMessage(n)));
        const sparse = numbers(40).map((n) => testMessage(n * 10, n % 2 === 0 ? {} : { content: "edited" }));
        expect(await save([...sparse, testMessage(1000)])).toEqual({ created: 1, changed: 20, same: 20 });
        expect((await ids()).length).toBe(401);
      });

      test("many records of very different sizes are saved in one call", async () => {
        const records = numbers(1500).map((n) =>
          testMessage(n, { content: "語".repeat(n % 100 === 0 ? 20_000 : n % 50) }),
        );
        expect(await save(records, true)).toEqual({ created: 1500, changed: 0, same: 0 });
        expect(await save(records, true)).toEqual({ created: 0, changed: 0, same: 1500 });
        expect((await ids()).length).toBe(1500);
      });

      test("a record too large for the store is kept, its least important parts shortened with a mark", async () => {
        const huge = testMessage(1, {
          content: "the question itself",
          embeds: numbers(30).map((n) => `${n}${"語".repeat(6000)}`),
          attachments: [{ name: "a.txt" }],
        });
        expect(await save([huge])).toMatchObject({ created: 1 });
        expect(await save([huge])).toMatchObject({ same: 1 });
        const stored = (await archive.get(GUILD, "message", [huge.id])).get(huge.id);
        expect(stored?.record).toMatchObject({ content: "the question itself", attachments: [{ name: "a.txt" }] });
        expect(stored?.record.embeds?.[0]).toBe(huge.embeds?.[0]);
        expect(stored?.record.embeds?.at(-1)).toMatch(/… \[shortened\]$/);
        expect(stored && contentHash(stored.record)).toBe(stored?.contentHash);
      });

      test("whatever is put into a record, it can be read back", async () => {
        const text = fc.oneof(
          fc.string({ unit: "binary", maxLength: 40 }),
          fc.constantFrom("", "\ud83d", "語".repeat(30_000)),
        );
        const record = fc.record({
          content: text,
          embeds: fc.array(text),
          poll: text,
          mentions: fc.array(fc.record({ id: fc.constant("1"), name: text }), { maxLength: 2000 }),
        });
        await fc.assert(
          fc.asyncProperty(record, async (fields) => {
            await save([testMessage(1, fields)]);
            const { records, damaged } = await archive.page(GUILD, "message", ALL, 1);
            expect(damaged).toEqual([]);
            expect(records[0]?.record.content.slice(0, 20_000)).toBe(fields.content.slice(0, 20_000));
          }),
          { numRuns: 20 },
        );
      });
    });

    describe("pages", () => {
      test("a page is newest first and the next one goes on where it ended, without gap or overlap", async () => {
        await save(numbers(25).map((n) => testMessage(n)));
        const seen: string[] = [];
        const sizes: number[] = [];
        let newestId: string | undefined = LAST_SNOWFLAKE;
        while (newestId !== undefined) {
          const page = await archive.page(GUILD, "message", { newestId, oldestId: FIRST_SNOWFLAKE }, 10);
          sizes.push(page.records.length);
          seen.push(...page.records.map(({ record }) => record.id));
          newestId = page.nextNewestId;
        }
        expect(seen).toEqual(numbers(25).reverse().map(testId));
        expect(sizes).toEqual([10, 10, 5]);
      });

      test("both ends of a range are included, and an empty or reversed one holds nothing", async () => {
        await save(numbers(5).map((n) => testMessage(n)));
        expect(await ids("message", { newestId: testId(3), oldestId: testId(1) })).toEqual([3, 2, 1].map(testId));
        expect(await ids("message", { newestId: testId(1), oldestId: testId(3) })).toEqual([]);
        expect(await ids("message", { newestId: LAST_SNOWFLAKE, oldestId: testId(9) })).toEqual([]);
      });

      test("a page that ends exactly at the range's last record says so", async () => {
        await save(numbers(2).map((n) => testMessage(n)));
        const page = await archive.page(GUILD, "message", { newestId: testId(1), oldestId: testId(0) }, 2);
        expect(page.records.length).toBe(2);
        expect(page.nextNewestId).toBeUndefined();
      });

      test("the extreme ids have their place", async () => {
        await save([testMessage(0, { id: FIRST_SNOWFLAKE }), testMessage(0, { id: LAST_SNOWFLAKE })]);
        expect(await ids()).toEqual([LAST_SNOWFLAKE, FIRST_SNOWFLAKE]);
        expect(await archive.idsInChannel(GUILD, "100", ALL)).toEqual([LAST_SNOWFLAKE, FIRST_SNOWFLAKE]);
        expect(await archive.neighbours(GUILD, "100", LAST_SNOWFLAKE, "after", 5)).toEqual([]);
        expect(await archive.neighbours(GUILD, "100", FIRST_SNOWFLAKE, "before", 5)).toEqual([]);
      });
    });

    describe("channels and owners", () => {
      test("neighbours are the messages of the same channel just before and just after", async () => {
        await save(numbers(20).map((n) => testMessage(n, { channelId: n % 2 === 0 ? "100" : "101" })));
        const before = await archive.neighbours(GUILD, "100", testId(10), "before", 3);
        const after = await archive.neighbours(GUILD, "100", testId(10), "after", 2);
        expect(before.map(({ record }) => record.id)).toEqual([8, 6, 4].map(testId));
        expect(after.map(({ record }) => record.id)).toEqual([12, 14].map(testId));
        expect(await archive.neighbours(GUILD, "999", testId(10), "before", 3)).toEqual([]);
      });

      test("each of many messages is told the one just before it in its channel, however far apart they lie", async () => {
        const isIn = (n: number) => n % 2 === 0;
        await save(numbers(900).map((n) => testMessage(n, { channelId: isIn(n) ? "100" : "101" })));
        const dense = numbers(300).filter(isIn);
        const sparse = numbers(15).map((n) => 300 + n * 40);
        // Those that are not there, or not in the channel, are told, too.
        for (const asked of [dense, sparse, [...dense, ...sparse], [3, 5, 7], [899, 898, 898], [900], []]) {
          const found = await archive.previous(GUILD, "100", asked.map(testId));
          const wanted = asked.filter((n) => n > 0).map((n) => [testId(n), testId(isIn(n) ? n - 2 : n - 1)] as const);
          expect(new Map([...found].map(([id, { record }]) => [id, record.id]))).toEqual(new Map(wanted));
        }
        expect(await archive.previous(GUILD, "999", [testId(5)])).toEqual(new Map());
        expect(await archive.previous(GUILD, "100", [FIRST_SNOWFLAKE])).toEqual(new Map());
      });

      test("ids of a channel come newest first, of the range only, whatever zero bytes ids have", async () => {
        const odd = ["256", "255", "65536", "16777216", "4228250625", "1099511627776", "4294967296"];
        await save(odd.map((id) => testMessage(0, { id })));
        const ordered = [...odd].sort((a, b) => Number(b) - Number(a));
        expect(await archive.idsInChannel(GUILD, "100", ALL)).toEqual(ordered);
        expect(await archive.idsInChannel(GUILD, "100", { newestId: "65536", oldestId: "256" })).toEqual([
          "65536",
          "256",
        ]);
        expect(await archive.idsInChannel(GUILD, "100", { newestId: "1", oldestId: "2" })).toEqual([]);
      });

      test("notes are listed by owner, newest first, and are not neighbours", async () => {
        await save([testNote(1), testNote(2), testNote(3, { authorId: "201" }), testMessage(4)]);
        expect((await archive.notesOf(GUILD, "200", 10)).map(({ record }) => record.id)).toEqual([2, 1].map(testId));
        expect((await archive.notesOf(GUILD, "200", 1)).map(({ record }) => record.id)).toEqual([testId(2)]);
        expect(await archive.neighbours(GUILD, "100", testId(4), "before", 5)).toEqual([]);
      });

      test("a record that changes its channel or author is found only where it is now", async () => {
        await save([testMessage(1), testNote(2)]);
        await save([testMessage(1, { channelId: "101", authorId: "201" }), testNote(2, { authorId: "201" })]);
        expect(await archive.idsInChannel(GUILD, "100", ALL)).toEqual([]);
        expect(await archive.idsInChannel(GUILD, "101", ALL)).toEqual([testId(1)]);
        expect(await archive.notesOf(GUILD, "200", 5)).toEqual([]);
        expect((await archive.finishRemoval(GUILD, { by: "author", id: "200" })).removed).toBe(0);
        expect((await archive.finishRemoval(GUILD, { by: "author", id: "201" })).removed).toBe(2);
      });
    });

    describe("pending marks", () => {
      test("are told to whoever sets them, who can clear these, but none that another has set since", async () => {
        await archive.markPending(GUILD, "note", ["7"]);
        const marked = await archive.markPending(GUILD, "message", ["8", "7"]);
        expect(marked.map(({ kind, id }) => [kind, id])).toEqual([
          ["message", "8"],
          ["message", "7"],
        ]);
        const again = await archive.markPending(GUILD, "message", ["8"]);
        await archive.clearPending(GUILD, marked);
        expect(await marks()).toEqual(["message 8", "note 7"]);
        await archive.clearPending(GUILD, again);
        expect(await marks()).toEqual(["note 7"]);
      });

      test("of more ids than fit a commit are told in their order", async () => {
        const ids = Array.from({ length: 2_500 }, (_, n) => String(n + 1));
        const marked = await archive.markPending(GUILD, "message", ids);
        expect(marked.map(({ id }) => id)).toEqual(ids);
        await archive.clearPending(GUILD, marked);
        expect(await marks()).toEqual([]);
      });

      test("new and changed records are marked when asked, equal ones are not", async () => {
        await save([testMessage(1), testMessage(2)]);
        expect(await marks()).toEqual([]);
        await save([testMessage(1), testMessage(2, { content: "edited" }), testNote(3)], true);
        expect(await marks()).toEqual([`message ${testId(2)}`, `note ${testId(3)}`]);
      });

      test("clearing removes a mark, but not one renewed since", async () => {
        await save(
          numbers(25).map((n) => testMessage(n)),
          true,
        );
        const entries = await archive.pending(GUILD, 100);
        expect(entries.length).toBe(25);
        await save([testMessage(7, { content: "edited meanwhile" })], true);
        await archive.markPending(GUILD, "message", [testId(20)]);
        await archive.clearPending(GUILD, entries);
        expect(await marks()).toEqual([7, 20].map((n) => `message ${testId(n)}`));
        await archive.clearPending(GUILD, entries);
        expect((await marks()).length).toBe(2);
      });

      test("ids can be marked whatever the archive holds, and the list is bounded", async () => {
        await archive.markPending(GUILD, "note", [testId(1), testId(2)]);
        await archive.markPending(OTHER_GUILD, "note", [testId(3)]);
        expect(await marks()).toEqual([1, 2].map((n) => `note ${testId(n)}`));
        expect((await archive.pending(GUILD, 1)).length).toBe(1);
      });

      test("guilds with marks are named, each once, until none is left", async () => {
        expect(await archive.marked()).toEqual([]);
        await archive.markPending(GUILD, "message", [testId(1), testId(2)]);
        await archive.markPending(GUILD, "note", [testId(3)]);
        await archive.markPending(OTHER_GUILD, "note", [testId(3)]);
        expect((await archive.marked()).sort()).toEqual([GUILD, OTHER_GUILD].sort());
        await archive.clearPending(GUILD, await archive.pending(GUILD, 10));
        expect(await archive.marked()).toEqual([OTHER_GUILD]);
      });

      test("saving without a mark leaves a mark that is there", async () => {
        await save([testMessage(1)], true);
        await save([testMessage(1, { content: "edited" })], false);
        expect(await marks()).toEqual([`message ${testId(1)}`]);
      });

      test("two writers of the same records at once leave one version of each, findable, and every mark", async () => {
        const versions = ["a", "b", "c"].map((content) => numbers(120).map((n) => testMessage(n, { content })));
        await Promise.all(versions.map((records) => save(records, true)));
        expect((await ids()).length).toBe(120);
        expect((await marks()).length).toBe(120);
        expect((await archive.idsInChannel(GUILD, "100", ALL)).length).toBe(120);
      });
    });

    describe("what Discord answers", () => {
      /** Discord was asked before `happens`, and its answer is stored after it. */
      async function answeredLate(answer: ArchivedRecord[], happens: () => Promise<unknown>, absent: string[] = []) {
        const asOf = archive.reading(GUILD);
        await happens();
        await archive.save(GUILD, answer, { pending: false, asOf });
        await archive.remove(GUILD, "message", absent, asOf);
        asOf.release();
      }
      const contents = async () =>
        (await archive.page(GUILD, "message", ALL, 100)).records.map(({ record }) => record.content);

      test("does not undo what was saved or removed since it was asked", async () => {
        await save([testMessage(1), testMessage(2), testMessage(3)]);
        const answer = [1, 2, 4, 5].map((n) => testMessage(n, { content: `answer ${n}` }));
        await answeredLate(answer, async () => {
          await save([testMessage(1, { content: "edited" }), testMessage(3, { content: "edited too" })]);
          await archive.remove(GUILD, "message", [testId(2), testId(4)]);
        }, [testId(3)]);
        expect(await contents()).toEqual(["answer 5", "edited too", "edited"]);
      });

      test("is stored where nothing happened, also after another's answer that was asked earlier", async () => {
        await save([testMessage(1), testMessage(2)]);
        const earlier = archive.reading(GUILD);
        const later = archive.reading(GUILD);
        await archive.save(GUILD, [testMessage(1, { content: "older" })], { pending: false, asOf: earlier });
        await archive.save(GUILD, [testMessage(1, { content: "newer" })], { pending: false, asOf: later });
        await archive.save(GUILD, [testMessage(1, { content: "older" })], { pending: false, asOf: earlier });
        expect(await archive.remove(GUILD, "message", [testId(2)], later)).toEqual({ removed: 1 });
        earlier.release();
        later.release();
        expect(await contents()).toEqual(["newer"]);
      });

      test.each([
        ["its channel", { by: "channel", id: "101" }],
        ["the channel it is a thread of", { by: "channel", id: "100" }],
        ["its author", { by: "author", id: "200" }],
        ["its guild", { by: "guild" }],
      ] as const)("is not stored when the removal of %s has begun since, finished or not", async (_, scope) => {
        const answer = [testMessage(1, { channelId: "101", accessChannelId: "100" })];
        await answeredLate(answer, () => archive.beginRemoval(GUILD, scope));
        expect(await ids()).toEqual([]);
        await answeredLate(answer, async () => {
          await archive.beginRemoval(GUILD, scope);
          await archive.finishRemoval(GUILD, scope);
        });
        expect(await ids()).toEqual([]);
        await answeredLate(answer, async () => undefined);
        expect(await ids()).toEqual([testId(1)]);
      });

      test("and what is stored while an event comes in do not mix: the event stays, whichever began first", async () => {
        await save(numbers(150).map((n) => testMessage(n)));
        const asOf = archive.reading(GUILD);
        await Promise.all([
          archive.save(
            GUILD,
            numbers(200).map((n) => testMessage(n, { content: "answer" })),
            { pending: false, asOf },
          ),
          archive.remove(GUILD, "message", numbers(100).map(testId)),
          save(numbers(50).map((n) => testMessage(100 + n, { content: "edited" }))),
        ]);
        asOf.release();
        const expected = [...numbers(50).map(() => "answer"), ...numbers(50).map(() => "edited")];
        expect((await archive.page(GUILD, "message", ALL, 1000)).records.map(({ record }) => record.content)).toEqual(
          expected,
        );
      });

      test("a version edited earlier than the stored one is never stored", async () => {
        await save([testMessage(1, { content: "second", editedAt: 2 })]);
        expect(await save([testMessage(1, { content: "first", editedAt: 1 })])).toMatchObject({ same: 1 });
        expect(await save([testMessage(1)])).toMatchObject({ same: 1 });
        expect(await save([testMessage(1, { content: "with an embed", editedAt: 2 })])).toMatchObject({ changed: 1 });
        expect(await contents()).toEqual(["with an embed"]);
      });
    });

    describe("removal", () => {
      test("removed records are gone everywhere and leave a mark each; absent ones leave none", async () => {
        await save(numbers(5).map((n) => testMessage(n)));
        expect(await archive.remove(GUILD, "message", [testId(1), testId(2), testId(2), testId(99)])).toEqual({
          removed: 2,
        });
        expect(await ids()).toEqual([4, 3, 0].map(testId));
        expect(await archive.idsInChannel(GUILD, "100", ALL)).toEqual([4, 3, 0].map(testId));
        expect(await marks()).toEqual([1, 2].map((n) => `message ${testId(n)}`));
        expect(await archive.remove(GUILD, "message", [testId(1)])).toEqual({ removed: 0 });
      });

      test("a channel's removal takes its records, notes, marks, name and cursor, and nothing else", async () => {
        await save(
          numbers(600).map((n) => testMessage(n, { channelId: n % 3 === 0 ? "101" : "100" })),
          true,
        );
        await save([testNote(2000, { channelId: "101" }), testNote(2001)]);
        const channel = (id: string) => ({ id, name: id, type: "text" as const, accessChannelId: id });
        await archive.saveChannels(GUILD, [channel("100"), channel("101")]);
        await archive.saveCursor(GUILD, "101", { oldestId: "1", newestId: "2", complete: true });
        await archive.saveRecheckCursor(GUILD, "101", { since: 1 });
        expect(await archive.finishRemoval(GUILD, { by: "channel", id: "101" })).toMatchObject({ removed: 201 });
        expect((await ids()).length).toBe(400);
        expect(await ids("note")).toEqual([testId(2001)]);
        expect((await archive.pending(GUILD, 10_000)).length).toBe(400);
        expect(await archive.channels(GUILD)).toEqual([channel("100")]);
        expect(await archive.cursor(GUILD, "101")).toBeUndefined();
        expect(await archive.recheckCursor(GUILD, "101")).toBeUndefined();
        expect((await archive.finishRemoval(GUILD, { by: "author", id: "200" })).removed).toBe(401);
      });

      test("an author's removal takes what they wrote in every channel, notes too", async () => {
        await save(
          numbers(30).map((n) =>
            testMessage(n, { authorId: n < 10 ? "201" : "200", channelId: String(100 + (n % 4)) }),
          ),
        );
        await save([testNote(40, { authorId: "201" }), testNote(41)]);
        expect(await archive.finishRemoval(GUILD, { by: "author", id: "201" })).toMatchObject({ removed: 11 });
        // Neighbours' rows carry their words: the marks say which.
        expect(await marks()).toEqual(
          numbers(10)
            .map((n) => `message ${testId(n)}`)
            .sort(),
        );
        expect((await ids()).length).toBe(20);
        expect(await archive.notesOf(GUILD, "201", 5)).toEqual([]);
        expect((await archive.idsInChannel(GUILD, "101", ALL)).length).toBe(5);
      });

      test("a guild's removal leaves nothing of it and does not touch another guild", async () => {
        for (const guild of [GUILD, OTHER_GUILD]) {
          await archive.save(guild, [testMessage(1), testNote(2)], { pending: true });
          await archive.saveSettings(guild, { adminChannelId: "5" });
          await archive.saveCursor(guild, "100", { oldestId: "1", newestId: "2", complete: false });
          await archive.saveRecheckCursor(guild, "100", { since: 1 });
          await archive.saveChannels(guild, [{ id: "100", name: "a", type: "text", accessChannelId: "100" }]);
        }
        await archive.beginRemoval(GUILD, { by: "guild" });
        expect(await archive.finishRemoval(GUILD, { by: "guild" })).toMatchObject({ removed: 2 });
        expect(await archive.guilds()).toEqual([OTHER_GUILD]);
        expect([await ids(), await marks(), await archive.channels(GUILD)]).toEqual([[], [], []]);
        expect(await archive.settings(GUILD)).toEqual({});
        expect(await archive.cursor(GUILD, "100")).toBeUndefined();
        expect(await archive.recheckCursor(GUILD, "100")).toBeUndefined();
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([]);
        expect((await archive.get(OTHER_GUILD, "message", [testId(1)])).size).toBe(1);
        expect(await archive.settings(OTHER_GUILD)).toEqual({ adminChannelId: "5" });
      });

      test("a removal is remembered from its beginning to its end, oldest first", async () => {
        const scopes = [
          { by: "channel", id: "9" },
          { by: "author", id: "3" },
          { by: "channel", id: "1" },
        ] as const;
        for (const scope of scopes) await archive.beginRemoval(GUILD, scope);
        await archive.beginRemoval(GUILD, scopes[0]);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual(scopes);
        expect(await archive.guilds()).toEqual([GUILD]);
        await archive.finishRemoval(GUILD, scopes[1]);
        await archive.finishRemoval(GUILD, scopes[1]);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([scopes[0], scopes[2]]);
        expect(await archive.unfinishedRemovals(OTHER_GUILD)).toEqual([]);
      });
    });

    describe("removal in steps", () => {
      async function steps(scope: Parameters<Archive["removeInSteps"]>[1], size = 10) {
        const found: { kind: string; ids: number; isLeftOver: boolean }[] = [];
        for await (const { kind, ids, isLeftOver } of archive.removeInSteps(GUILD, scope, size)) {
          found.push({ kind, ids: ids.length, isLeftOver });
        }
        return found;
      }
      const fresh = (kind: "message" | "note", count: number) => ({ kind, ids: count, isLeftOver: false });
      const leftOver = (kind: "message" | "note", count: number) => ({ kind, ids: count, isLeftOver: true });

      test("of an author takes their messages and notes step by step, and leaves no pending marks", async () => {
        await save(numbers(30).map((n) => testMessage(n, { authorId: n % 5 === 0 ? "200" : "201" })));
        await save([testNote(40, { authorId: "201" }), testNote(41)]);
        await archive.markPending(GUILD, "message", [testId(5), testId(6)]);
        const found = await steps({ by: "author", id: "201" });
        expect(found).toEqual([fresh("note", 1), fresh("message", 10), fresh("message", 10), fresh("message", 4)]);
        expect((await ids()).length).toBe(6);
        expect(await archive.notesOf(GUILD, "200", 5)).toHaveLength(1);
        expect(await marks()).toEqual([`message ${testId(5)}`]);
      });

      test("that is left in the middle is gone on with, what was left first, and remembered until it is finished", async () => {
        await save(numbers(30).map((n) => testMessage(n, { authorId: "201" })));
        const scope = { by: "author", id: "201" } as const;
        await archive.beginRemoval(GUILD, scope);
        for await (const step of archive.removeInSteps(GUILD, scope, 10)) {
          expect(step.ids.length).toBe(10);
          await step.rewriting([testId(50), testId(51)]);
          break;
        }
        expect((await ids()).length).toBe(20);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([scope]);
        await archive.finishRemoval(GUILD, { by: "channel", id: "101" });
        expect(await steps(scope)).toEqual([leftOver("message", 12), fresh("message", 10), fresh("message", 10)]);
        expect(await steps(scope)).toEqual([]);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([scope]);
        await archive.finishRemoval(GUILD, scope);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([]);
      });

      test("is not over while a step of it is not", async () => {
        await save(numbers(15).map((n) => testMessage(n, { authorId: "201" })));
        const scope = { by: "author", id: "201" } as const;
        await archive.beginRemoval(GUILD, scope);
        for await (const _ of archive.removeInSteps(GUILD, scope, 10)) break;
        await archive.finishRemoval(GUILD, scope);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([scope]);
        // What the end itself has removed is marked like anything else.
        expect((await marks()).length).toBe(5);
        expect(await steps(scope)).toEqual([leftOver("message", 10)]);
        await archive.finishRemoval(GUILD, scope);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([]);
      });

      test("that another has taken up is ended by the former, who clears nothing of the other's step", async () => {
        await save(numbers(30).map((n) => testMessage(n, { authorId: "201" })));
        const scope = { by: "author", id: "201" } as const;
        await archive.beginRemoval(GUILD, scope);
        const [former, other] = [1, 2].map(() => archive.removeInSteps(GUILD, scope, 10)[Symbol.asyncIterator]());
        await former?.next();
        expect((await other?.next())?.value).toMatchObject({ isLeftOver: true });
        expect((await other?.next())?.value).toMatchObject({ isLeftOver: false });
        expect((await former?.next())?.done).toBe(true);
        expect(await steps(scope)).toEqual([leftOver("message", 10), fresh("message", 10)]);
      });

      test("of an author up to an id leaves what is newer, over any number of days", async () => {
        const daily = numbers(1_200).map((n) => testMessage(n * 1_440, { authorId: "201" }));
        await save([...daily, testNote(1, { authorId: "201" }), testNote(2_000_000, { authorId: "201" })]);
        const beforeId = testId(600 * 1_440);
        await steps({ by: "author", id: "201", beforeId }, 500);
        expect((await ids()).length).toBe(600);
        expect(await ids("note")).toEqual([testId(2_000_000)]);
        await steps({ by: "author", id: "201" }, 500);
        expect(await ids()).toEqual([]);
      });

      test("of an author takes what others have saved of their messages as notes, those of earlier versions too", async () => {
        await save([testMessage(1, { authorId: "201" }), testMessage(2)]);
        await save([
          testNote(11, { sourceMessageId: testId(1), sourceAuthorId: "201" }),
          testNote(12, { sourceMessageId: testId(1) }),
          testNote(13, { sourceMessageId: testId(2) }),
          testNote(14, { sourceMessageId: testId(99), sourceAuthorId: "201" }),
          testNote(15),
        ]);
        expect(await steps({ by: "author", id: "201" })).toEqual([fresh("note", 3), fresh("message", 1)]);
        expect(await ids("note")).toEqual([15, 13].map(testId));
      });

      test("of what is too old, and of bots, takes messages and no notes", async () => {
        await save(numbers(30).map((n) => testMessage(n, { bot: n % 3 === 0 })));
        await save([testNote(1), testNote(3, { bot: true })]);
        await steps({ by: "age", beforeId: testId(5) });
        expect(await ids()).toEqual(numbers(25).map((n) => testId(29 - n)));
        await steps({ by: "bots" }, 4);
        expect((await ids()).length).toBe(17);
        expect((await ids("note")).length).toBe(2);
      });
    });

    describe("exclusions", () => {
      const excluded = async (...records: ArchivedRecord[]) => {
        await save(records);
        const there = new Set([...(await ids()), ...(await ids("note"))]);
        return records.filter(({ id }) => !there.has(id)).map(({ id }) => id);
      };

      test("of an author: nothing of them is stored by anybody, new or edited, until they are included again", async () => {
        await save([testMessage(1, { authorId: "201" })]);
        const optedOut = { by: "author", id: "201" } as const;
        await archive.exclude(GUILD, optedOut);
        expect(await archive.exclusions(GUILD)).toEqual([optedOut]);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([optedOut]);
        await archive.finishRemoval(GUILD, optedOut);
        const theirs = [
          testMessage(1, { authorId: "201", content: "edited" }),
          testMessage(2, { authorId: "201" }),
          testNote(3, { authorId: "201" }),
          testNote(4, { sourceMessageId: testId(2), sourceAuthorId: "201" }),
        ];
        expect(await excluded(...theirs, testMessage(5), testNote(6))).toEqual(theirs.map(({ id }) => id));
        expect(await archive.admitted(GUILD, [...theirs, testMessage(5)])).toEqual([testMessage(5)]);
        expect(await excluded(testMessage(7, { authorId: "201", channelId: "102" }))).toEqual([testId(7)]);
        await archive.save(OTHER_GUILD, theirs, { pending: false });
        expect((await archive.get(OTHER_GUILD, "message", [testId(2)])).size).toBe(1);
        expect(await archive.include(GUILD, optedOut, Date.now())).toBe(true);
        expect(await archive.include(GUILD, optedOut, Date.now())).toBe(false);
        expect(await archive.exclusions(GUILD)).toEqual([]);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([]);
        expect(await excluded(...theirs)).toEqual([]);
      });

      test("of an author up to an id: what is newer is stored", async () => {
        await archive.exclude(GUILD, { by: "author", id: "201", beforeId: testId(5) });
        const theirs = numbers(10).map((n) => testMessage(n, { authorId: "201" }));
        expect(await excluded(...theirs)).toEqual(numbers(5).map(testId));
        const saved = testNote(20, { sourceMessageId: testId(4), sourceAuthorId: "201" });
        expect(await excluded(saved)).toEqual([testId(20)]);
        expect(await excluded(testNote(21, { sourceMessageId: testId(6), sourceAuthorId: "201" }))).toEqual([]);
      });

      test("of a channel hold for its threads, known and yet to come, and move no completeness", async () => {
        const thread = (id: string) =>
          ({ id, name: id, type: "private-thread", parentId: "101", accessChannelId: id }) as const;
        await archive.saveChannels(GUILD, [thread("300")]);
        await archive.exclude(GUILD, { by: "channel", id: "101" });
        expect((await archive.unfinishedRemovals(GUILD)).map((scope) => "id" in scope && scope.id).sort()).toEqual([
          "101",
          "300",
        ]);
        await archive.saveChannels(GUILD, [thread("301")]);
        const inside = [
          testMessage(1, { channelId: "101" }),
          testMessage(2, { channelId: "302", accessChannelId: "101" }),
          testMessage(3, { channelId: "300" }),
          testMessage(4, { channelId: "301" }),
          testNote(5, { channelId: "101" }),
        ];
        await archive.save(GUILD, [...inside, testMessage(6)], { pending: false, completes: true });
        expect([await ids(), await ids("note")]).toEqual([[testId(6)], []]);
        expect([...(await archive.completeTo(GUILD)).keys()]).toEqual(["100"]);
      });

      test("of bots and of what is too old concern messages only; a newer bound takes the former's place", async () => {
        await archive.exclude(GUILD, { by: "bots" });
        await archive.exclude(GUILD, { by: "age", beforeId: testId(3) });
        await archive.exclude(GUILD, { by: "age", beforeId: testId(5) });
        expect(await archive.exclusions(GUILD)).toHaveLength(2);
        const records = [...numbers(8).map((n) => testMessage(n, { bot: n === 7 })), testNote(30, { bot: true })];
        expect(await excluded(...records)).toEqual([0, 1, 2, 3, 4, 7].map(testId));
      });

      test("let what is heard complete its channel all the same", async () => {
        await archive.exclude(GUILD, { by: "author", id: "200" });
        await archive.save(GUILD, [testMessage(1)], { pending: true, completes: true });
        expect(await archive.completeTo(GUILD)).toEqual(new Map([["100", testId(1)]]));
        expect([await ids(), await marks()]).toEqual([[], []]);
      });

      test("outlive the removal of the guild, so that nobody is stored against their will when the bot comes back", async () => {
        await archive.exclude(GUILD, { by: "author", id: "200" });
        await archive.beginRemoval(GUILD, { by: "guild" });
        await archive.finishRemoval(GUILD, { by: "guild" });
        expect(await archive.guilds()).toEqual([]);
        expect(await excluded(testMessage(1))).toEqual([testId(1)]);
      });

      test("taken back while the removal is under way leave what is written from then on", async () => {
        await save(numbers(5).map((n) => testMessage(n, { authorId: "201" })));
        await archive.exclude(GUILD, { by: "author", id: "201" });
        const now = Date.UTC(2025, 0, 1, 0, 3);
        await archive.include(GUILD, { by: "author", id: "201" }, now);
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([{ by: "author", id: "201", beforeId: testId(3) }]);
        // Whoever is at the former removal does not end the one that has taken its place.
        await archive.finishRemoval(GUILD, { by: "author", id: "999" });
        await archive.finishRemoval(GUILD, { by: "author", id: "201", beforeId: testId(1) });
        expect(await archive.unfinishedRemovals(GUILD)).toHaveLength(1);
        await archive.finishRemoval(GUILD, { by: "author", id: "201", beforeId: testId(3) });
        expect(await ids()).toEqual([4, 3].map(testId));
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([]);
      });

      test("with a bound, taken back while the removal is under way, leave what is newer than the bound", async () => {
        await archive.exclude(GUILD, { by: "author", id: "201", beforeId: testId(3) });
        await save(numbers(5).map((n) => testMessage(n, { authorId: "201" })));
        const exclusion = { by: "author", id: "201", beforeId: testId(3) } as const;
        await archive.include(GUILD, exclusion, Date.UTC(2025, 0, 2));
        expect(await archive.unfinishedRemovals(GUILD)).toEqual([exclusion]);
      });

      test("are kept to by whoever is saving while they begin, at any moment", async () => {
        await Promise.all([
          ...numbers(40).map((n) => save([testMessage(n, { authorId: n % 2 ? "201" : "200" })])),
          ...["201"].map((id) => archive.exclude(GUILD, { by: "author", id })),
          ...numbers(40).map((n) => save([testMessage(100 + n, { authorId: "201" })])),
        ]);
        await archive.finishRemoval(GUILD, { by: "author", id: "201" });
        expect((await ids()).length).toBe(20);
      });
    });

    archiveRulesContract(() => archive);

    describe("channels, cursors, settings and guilds", () => {
      test("channels are kept with their latest name, per guild", async () => {
        const forum = { id: "100", name: "help", type: "forum", accessChannelId: "100" } as const;
        const thread = {
          id: "101",
          name: "A question",
          type: "public-thread",
          parentId: "100",
          accessChannelId: "100",
        } as const;
        await archive.saveChannels(GUILD, [forum, thread]);
        expect(await marks()).toEqual([]);
        await archive.saveChannels(GUILD, [{ ...thread, name: "An answer" }]);
        // Its first message carries its title.
        expect(await marks()).toEqual([`message ${thread.id}`]);
        await archive.saveChannels(GUILD, []);
        expect(await archive.channels(GUILD)).toEqual([forum, { ...thread, name: "An answer" }]);
        expect(await archive.channels(OTHER_GUILD)).toEqual([]);
        expect(await archive.channel(GUILD, thread.id)).toEqual({ ...thread, name: "An answer" });
        expect(await archive.channel(OTHER_GUILD, thread.id)).toBeUndefined();
      });

      test("a thread's name, new or changed, marks the message it began from and the first in it", async () => {
        const [origin, first, second] = [testId(1), testId(2), testId(3)];
        const within = { channelId: origin, accessChannelId: "100" };
        await archive.save(
          GUILD,
          [
            testMessage(1, { channelId: "100" }),
            testMessage(3, within),
            testMessage(2, within),
            testMessage(4, { channelId: "100" }),
          ],
          { pending: false },
        );
        const thread = {
          id: origin,
          name: "Wobble",
          type: "public-thread",
          parentId: "100",
          accessChannelId: "100",
        } as const;
        await archive.saveChannels(GUILD, [thread]);
        const carriers = [`message ${origin}`, `message ${first}`];
        expect((await marks()).sort()).toEqual(carriers);
        await archive.clearPending(GUILD, await archive.pending(GUILD, 10));
        await archive.saveChannels(GUILD, [thread]);
        expect(await marks()).toEqual([]);
        await archive.saveChannels(GUILD, [{ ...thread, name: "Wobbling wheel" }]);
        expect((await marks()).sort()).toEqual(carriers);
        expect(await archive.channels(GUILD, { oldestId: origin, newestId: origin })).toHaveLength(1);
        expect(await archive.channels(GUILD, { oldestId: first, newestId: second })).toEqual([]);
      });

      test("cursors and settings are kept per channel and per guild", async () => {
        const cursor = { oldestId: "1", newestId: "9", complete: false };
        await archive.saveCursor(GUILD, "100", cursor);
        expect(await archive.cursor(GUILD, "100")).toEqual(cursor);
        expect(await archive.cursor(GUILD, "101")).toBeUndefined();
        expect(await archive.recheckCursor(GUILD, "100")).toBeUndefined();
        for (const recheck of [{ since: 1.5, reachedId: "7" }, { since: 2 }]) {
          await archive.saveRecheckCursor(GUILD, "100", recheck);
          expect(await archive.recheckCursor(GUILD, "100")).toEqual(recheck);
        }
        expect(await archive.settings(GUILD)).toEqual({});
        await archive.saveSettings(GUILD, { adminChannelId: "5" });
        expect(await archive.settings(GUILD)).toEqual({ adminChannelId: "5" });
        await archive.saveSettings(GUILD, {});
        expect(await archive.settings(GUILD)).toEqual({});
      });

      test("how far a channel is complete moves with its messages where they say so, with their commit or by itself, and never back", async () => {
        const completeTo = async () => Object.fromEntries(await archive.completeTo(GUILD));
        await archive.save(GUILD, [testMessage(1)], { pending: true });
        expect(await completeTo()).toEqual({});
        await archive.save(GUILD, [testMessage(2), testMessage(3), testMessage(2, { channelId: "101" })], {
          pending: true,
          completes: true,
        });
        expect(await completeTo()).toEqual({ "100": testId(3), "101": testId(2) });
        // One that was stored before, by another way, moves it all the same; an older one does not.
        await archive.save(GUILD, [testMessage(5)], { pending: true });
        await archive.save(GUILD, [testMessage(5)], { pending: true, completes: true });
        await archive.save(GUILD, [testMessage(4)], { pending: true, completes: true });
        await archive.saveCompleteTo(GUILD, "100", testId(4));
        expect(await completeTo()).toMatchObject({ "100": testId(5) });
        await archive.saveCompleteTo(GUILD, "100", testId(9));
        await archive.beginRemoval(GUILD, { by: "channel", id: "101" });
        await archive.finishRemoval(GUILD, { by: "channel", id: "101" });
        expect(await completeTo()).toEqual({ "100": testId(9) });
        expect(await archive.listenedSince(GUILD)).toBeUndefined();
        await archive.saveListenedSince(GUILD, testId(1));
        expect(await archive.listenedSince(GUILD)).toBe(testId(1));
        expect(await archive.listenedSince(OTHER_GUILD)).toBeUndefined();
      });

      test("guilds are those with a record, a note or a setting", async () => {
        expect(await archive.guilds()).toEqual([]);
        await archive.save("3", [testMessage(1), testMessage(2)], { pending: false });
        await archive.save("20", [testNote(1)], { pending: false });
        await archive.saveSettings("100", { adminChannelId: "5" });
        expect(await archive.guilds()).toEqual(["3", "20", "100"]);
      });
    });
  });
}
