// What every VectorIndex and IndexStore must do.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinSearchText } from "../../src/content-hash.ts";
import type { IndexRow, IndexStore, SearchFilter, VectorIndex } from "../../src/ports/vector-index.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { matching, nearest } from "../support/index-searches.ts";
import { indexRow, testSpace, unitVector } from "../support/index-store.ts";

const GUILD = "1343714078748708976";
const EVERYTHING = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
const CHANNEL_10: SearchFilter = { accessChannelIds: ["10"] };

/** @param open a new, empty store for each test */
export function vectorIndexContract(
  name: string,
  open: () => Promise<{ readonly store: IndexStore; close(): Promise<void> }>,
): void {
  describe(`${name} keeps the contract of an index`, () => {
    let store: IndexStore;
    let index: VectorIndex;
    let close: () => Promise<void>;

    beforeEach(async () => {
      const opened = await open();
      ({ store } = opened);
      close = () => opened.close();
      index = await store.open(GUILD, testSpace);
    });
    afterEach(() => close());

    const add = (...rows: IndexRow[]) => index.write(rows, { fresh: true });
    const put = (...rows: IndexRow[]) => index.write(rows, { fresh: false });
    const keys = async () =>
      (await index.keys("message", EVERYTHING, 1000)).map((key) => `${key.id}/${key.chunk} ${key.contentHash}`);
    const foundIds = (rows: readonly Pick<IndexRow, "id">[]) => rows.map((row) => row.id);
    const sortedIds = (rows: readonly Pick<IndexRow, "id">[]) => foundIds(rows).sort();

    describe("writing", () => {
      it("gives back every field of a row as it was written", async () => {
        const full = indexRow({
          id: "1343714078748708976",
          chunk: 3,
          kind: "note",
          channelId: "1343714078748708977",
          accessChannelId: "1343714078748708978",
          ownerId: "9223372036854775807",
          authorId: "1343714078748708979",
          createdAt: 1_740_436_801_374,
          contentHash: "0123456789abcdef",
          runId: "run-1",
          contextId: "1343714078748708970",
          tags: ["has:link", "by:zoë", "link:xn--e1afmkfd.xn--p1ai"],
          authorName: "Zoë 🦊",
          text: "shown",
          searchText: "context\nZoë 🦊: shown",
        });
        const bare = indexRow({ id: "1343714078748708980" });
        await add(full, bare);
        expect(await index.rows([full.id, bare.id])).toEqual([full, bare]);
      });

      it("keeps texts of all kinds: empty, right-to-left, without spaces, 4,000 characters, emoji", async () => {
        const texts = [
          "",
          "שלום עולם",
          "明天我们去北京",
          "x".repeat(4000),
          "👩‍👩‍👧‍👦 é",
          "\u200b",
          "line\nline\u0000end",
        ];
        await add(...texts.map((text, index) => indexRow({ id: String(100 + index), text })));
        const found = await index.rows(texts.map((_, index) => String(100 + index)));
        expect(found.map((row) => row.text)).toEqual(texts);
      });

      it("stores a lone surrogate as the replacement character", async () => {
        await add(indexRow({ id: "100", text: "a\ud800b" }));
        expect((await index.rows(["100"]))[0]?.text).toBe("a\ufffdb");
      });

      it("replaces the rows of an id that has some", async () => {
        await add(indexRow({ id: "100", text: "old", contentHash: "old" }), indexRow({ id: "101" }));
        await put(indexRow({ id: "100", text: "new", contentHash: "new" }));
        expect(await keys()).toEqual(["101/0 hash-101", "100/0 new"]);
      });

      it("leaves one row when a record shrinks from three chunks to one", async () => {
        await add(...[0, 1, 2].map((chunk) => indexRow({ id: "100", chunk, contentHash: "long" })));
        await put(indexRow({ id: "100", contentHash: "short" }));
        expect(await keys()).toEqual(["100/0 short"]);
      });

      it("changes nothing when a write is repeated", async () => {
        const rows = [0, 1].map((chunk) => indexRow({ id: "100", chunk }));
        await put(...rows);
        await put(...rows);
        expect(await index.rows(["100"])).toEqual(rows);
      });

      it("mends rows that are there twice", async () => {
        await add(indexRow({ id: "100" }));
        await add(indexRow({ id: "100" }));
        await put(indexRow({ id: "100" }));
        expect(await keys()).toEqual(["100/0 hash-100"]);
      });

      it("takes more rows than fit one commit", async () => {
        const rows = Array.from({ length: 12_000 }, (_, n) => indexRow({ id: String(1000 + n) }));
        await add(...rows);
        await put(...rows.slice(0, 2000));
        expect(await index.count()).toBe(12_000);
      });

      it("accepts an empty write", async () => {
        await add();
        await put();
        expect(await index.count()).toBe(0);
      });

      it("refuses a vector of another length", async () => {
        await expect(add(indexRow({ id: "100", vector: new Float32Array(7) }))).rejects.toThrow(/7 numbers/);
      });

      it("shows readers the old row or the new one while a record is rewritten, never none", async () => {
        await add(indexRow({ id: "100", contentHash: "0" }));
        let writing = true;
        const writes = (async () => {
          for (let n = 1; n <= 10; n += 1) await put(indexRow({ id: "100", contentHash: String(n) }));
          writing = false;
        })();
        const seen: number[] = [];
        while (writing) seen.push((await index.rows(["100"])).length);
        await writes;
        expect(new Set(seen)).toEqual(new Set([1]));
        expect(await keys()).toEqual(["100/0 10"]);
      });

      it("finds a record in every search while its rows are rewritten again and again", async () => {
        const vector = unitVector(1);
        const others = Array.from({ length: 50 }, (_, n) => indexRow({ id: String(200 + n), searchText: "parrot" }));
        const row = indexRow({ id: "100", searchText: "a parrot", vector });
        await add(row, ...others);
        let writing = true;
        const writes = (async () => {
          for (const { id } of others) {
            await index.removeIds([id]);
            await put(row);
          }
          writing = false;
        })();
        const seen: boolean[] = [];
        const look = async () => {
          while (writing) {
            const asked = { text: "parrot", vector: Promise.resolve(vector), filter: CHANNEL_10, limit: 100 };
            const found = await index.candidates(asked);
            seen.push(found.filter(({ id }) => id === "100").length === 1);
          }
        };
        await Promise.all([writes, look(), look(), look()]);
        expect(seen.length).toBeGreaterThan(10);
        expect(new Set(seen)).toEqual(new Set([true]));
      });

      it("loses nothing when rows are written during upkeep", async () => {
        await add(...Array.from({ length: 500 }, (_, n) => indexRow({ id: String(1000 + n) })));
        const upkeep = Promise.all([1, 2].map(() => index.optimize({ keepVersionsMs: 3_600_000 })));
        for (let n = 0; n < 10; n += 1) await put(indexRow({ id: String(1000 + n), contentHash: "edited" }));
        await index.removeIds(["1499"]);
        await upkeep;
        expect(await index.count()).toBe(499);
        expect((await keys()).filter((key) => key.endsWith("edited"))).toHaveLength(10);
      });
    });

    describe("upkeep", () => {
      it("that is broken off leaves everything as it was, and is done the next time", async () => {
        await add(...Array.from({ length: 2_000 }, (_, n) => indexRow({ id: String(1000 + n), text: `word${n}` })));
        const broken = new AbortController();
        const upkeep = index.optimize({ keepVersionsMs: 3_600_000, signal: broken.signal });
        broken.abort(new Error("enough"));
        await expect(upkeep).rejects.toThrow("enough");
        expect(await index.count()).toBe(2_000);
        expect((await index.stats()).unindexedRows).toBe(2_000);
        await index.optimize({ keepVersionsMs: 3_600_000 });
        expect((await index.stats()).unindexedRows).toBe(0);
        expect(await matching(index, "word77", { accessChannelIds: ["10"] }, 5)).toHaveLength(1);
      });
    });

    describe("removing", () => {
      it("removes all chunks of the ids named, and no others", async () => {
        await add(indexRow({ id: "100" }), indexRow({ id: "100", chunk: 1 }), indexRow({ id: "101" }));
        await index.removeIds(["100", "999"]);
        await index.removeIds([]);
        expect(await keys()).toEqual(["101/0 hash-101"]);
      });

      it("removes a channel with its threads, an author, or everything", async () => {
        await add(
          indexRow({ id: "100", channelId: "10" }),
          indexRow({ id: "101", channelId: "11", accessChannelId: "10" }),
          indexRow({ id: "102", channelId: "12", authorId: "21" }),
          indexRow({ id: "103", channelId: "12" }),
        );
        await index.removeScope({ by: "channel", id: "10" });
        expect(await keys()).toEqual(["103/0 hash-103", "102/0 hash-102"]);
        await index.removeScope({ by: "author", id: "21" });
        expect(await keys()).toEqual(["103/0 hash-103"]);
        await index.removeScope({ by: "guild" });
        expect(await index.count()).toBe(0);
      });

      it("removes what an author wrote before an id, messages that are too old, and those of bots", async () => {
        await add(
          indexRow({ id: "100", authorId: "21" }),
          indexRow({ id: "101" }),
          indexRow({ id: "102", tags: ["is:bot"] }),
          indexRow({ id: "103", kind: "note" }),
          indexRow({ id: "104", authorId: "21" }),
        );
        await index.removeScope({ by: "author", id: "21", beforeId: "104" });
        expect((await index.holds(["100", "101", "102", "103", "104"])).sort()).toEqual(["101", "102", "103", "104"]);
        await index.removeScope({ by: "bots" });
        await index.removeScope({ by: "age", beforeId: "104" });
        expect((await index.holds(["101", "102", "103", "104"])).sort()).toEqual(["103", "104"]);
      });

      it("moves rows that share a file with removed ones to another, and changes nothing in them", async () => {
        await add(...Array.from({ length: 30 }, (_, n) => indexRow({ id: String(100 + n), tags: ["is:pinned"] })));
        expect(await index.wornParts()).toEqual([]);
        await index.removeIds(["105"]);
        const before = await index.rows(["104", "106"]);
        const [part = Number.NaN, ...others] = await index.wornParts();
        expect(others).toEqual([]);
        expect(await index.renewPart(part)).toBe(true);
        expect(await index.renewPart(part)).toBe(false);
        expect(await index.rows(["104", "106"])).toEqual(before);
        expect(await index.count()).toBe(29);
        await index.optimize({ keepVersionsMs: 0, erase: "rebuild" });
        await index.optimize({ keepVersionsMs: 0, erase: "sweep" });
        expect(await index.wornParts()).toEqual([]);
        expect(await index.rows(["104", "106"])).toEqual(before);
      });

      it("gives up the names of versions, all or old ones", async () => {
        await add(indexRow({ id: "100" }));
        await index.tag("one");
        expect(await index.untag(60_000)).toBe(1);
        expect(await index.untag()).toBe(0);
        expect(await index.untag()).toBe(0);
      });

      it("removes the rows of one run and says how many", async () => {
        await add(
          indexRow({ id: "100", runId: "run-1" }),
          indexRow({ id: "101", runId: "run-2" }),
          indexRow({ id: "102" }),
        );
        expect(await index.removeRun("run-1")).toBe(1);
        expect(await index.removeRun("run-1")).toBe(0);
        expect(await keys()).toEqual(["102/0 hash-102", "101/0 hash-101"]);
      });
    });

    describe("telling what is there", () => {
      it("lists keys newest first, chunks in order, both ends of the range included", async () => {
        await add(
          indexRow({ id: "99" }),
          indexRow({ id: "1343714078748708976", chunk: 1, runId: "run-1" }),
          indexRow({ id: "1343714078748708976" }),
          indexRow({ id: "100" }),
          indexRow({ id: "98" }),
          indexRow({ id: "97", kind: "note" }),
        );
        const range = { newestId: "1343714078748708976", oldestId: "99" };
        expect(await index.keys("message", range, 10)).toEqual([
          { id: "1343714078748708976", chunk: 0, contentHash: "hash-1343714078748708976" },
          { id: "1343714078748708976", chunk: 1, contentHash: "hash-1343714078748708976", runId: "run-1" },
          { id: "100", chunk: 0, contentHash: "hash-100" },
          { id: "99", chunk: 0, contentHash: "hash-99" },
        ]);
        expect((await index.keys("message", range, 2)).map((key) => key.chunk)).toEqual([0, 1]);
        expect((await index.keys("note", EVERYTHING, 10)).map((key) => key.id)).toEqual(["97"]);
      });

      it("finds which ids have rows, and the rows that hold a neighbour's words", async () => {
        await add(
          indexRow({ id: "101", contextId: "100" }),
          indexRow({ id: "101", chunk: 1, contextId: "100" }),
          indexRow({ id: "102", contextId: "101" }),
          indexRow({ id: "103" }),
        );
        expect(await index.affected(["100", "555"])).toEqual({ present: [], dependents: ["101"] });
        expect(await index.affected(["101", "103"])).toEqual({ present: ["101", "103"], dependents: ["102"] });
        expect(await index.affected([])).toEqual({ present: [], dependents: [] });
      });

      it("knows the newest id that a row has or names as its context", async () => {
        expect(await index.newestId()).toBe("0");
        await add(indexRow({ id: "101" }), indexRow({ id: "99", contextId: "98" }));
        expect(await index.newestId()).toBe("101");
        await add(indexRow({ id: "100", contextId: "1343714078748708976" }));
        expect(await index.newestId()).toBe("1343714078748708976");
        await index.removeIds(["100", "101"]);
        expect(await index.newestId()).toBe("99");
      });

      it("looks up more ids than fit one query, in the order asked for", async () => {
        await add(...Array.from({ length: 1200 }, (_, n) => indexRow({ id: String(1000 + n) })));
        const asked = Array.from({ length: 1300 }, (_, n) => String(2250 - n));
        expect(foundIds(await index.rows(asked))).toEqual(
          asked.filter((id) => Number(id) < 2200 && Number(id) >= 1000),
        );
      });

      it("samples vectors from all over the table", async () => {
        await add(...Array.from({ length: 100 }, (_, n) => indexRow({ id: String(1000 + n), vector: unitVector(n) })));
        const sample = await index.sampleVectors(40);
        expect(sample).toHaveLength(40);
        expect(sample[0]).toEqual(unitVector(0));
        expect(sample[39]).toEqual(unitVector(96));
      });

      it("samples rows from all over the table", async () => {
        await add(
          ...Array.from({ length: 1000 }, (_, n) =>
            indexRow({ id: String(1000 + n), text: `text ${n}`, ...(n === 0 && { ownerId: "7" }) }),
          ),
        );
        const sample = await index.sampleRows(100);
        expect(sample[0]).toEqual({ text: "text 0", authorName: "Ada", accessChannelId: "10", ownerId: "7" });
        const halves = sample.map(({ text }) => Number(text.slice(5)) < 500);
        expect(new Set(sample.map(({ text }) => text)).size).toBe(100);
        expect(halves.filter((isFirst) => isFirst).length).toBe(50);
        expect(await index.sampleRows(5000)).toHaveLength(1000);
      });

      it("counts rows, indexes and bytes", async () => {
        await add(...Array.from({ length: 300 }, (_, n) => indexRow({ id: String(1000 + n) })));
        const before = await index.stats();
        expect(before).toMatchObject({ rows: 300, unindexedRows: 300, textIndex: true, vectorIndex: false });
        expect(before.diskBytes).toBeGreaterThan(300 * 8 * 4);
        await index.optimize({ keepVersionsMs: 3_600_000 });
        expect(await index.stats()).toMatchObject({ rows: 300, unindexedRows: 0, fragments: 1, textIndex: true });
      });
    });

    describe("searching", () => {
      const nearestIds = async (filter: SearchFilter, limit = 10) =>
        sortedIds(await nearest(index, unitVector(1), filter, limit));

      it("finds nothing in an empty index", async () => {
        expect(await nearest(index, unitVector(1), CHANNEL_10, 10)).toEqual([]);
        expect(await matching(index, "anything", CHANNEL_10, 10)).toEqual([]);
        const candidates = { text: "anything", vector: Promise.resolve(unitVector(1)), filter: CHANNEL_10, limit: 10 };
        expect(await index.candidates(candidates)).toEqual([]);
        expect(await index.latest(CHANNEL_10, 10, 0)).toEqual([]);
        expect(await index.sampleRows(10)).toEqual([]);
      });

      it("finds words longer than most, and what is alike by its n-grams", async () => {
        const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        await add(
          indexRow({ id: "1", searchText: `the file has ${hash}` }),
          indexRow({ id: "2", searchText: "новая антенна", ngrams: "_ант анте нтен тенн енна нна_" }),
          indexRow({ id: "3", searchText: "новая батарея", ngrams: "_бат бата атар" }),
        );
        const asked = { vector: Promise.resolve(undefined), filter: CHANNEL_10, limit: 10 };
        const found = async (more: {
          text: string;
          ngrams?: string;
          phrase?: { spellings: string[]; ngrams: string[] };
        }) => sortedIds(await index.candidates({ ...asked, ...more }));
        for (const round of ["before upkeep", "after"]) {
          expect(await found({ text: hash }), round).toEqual(["1"]);
          expect(await found({ text: "антенны" }), round).toEqual([]);
          expect(await found({ text: "антенны", ngrams: "_ант анте нтен тенн енны нны_" }), round).toEqual(["2"]);
          const phrase = { spellings: ["nowhere", hash], ngrams: ["_бат атар"] };
          expect(await found({ text: "x", phrase }), round).toEqual(["1", "3"]);
          await index.optimize({ keepVersionsMs: 3_600_000 });
        }
      });

      it("finds the nearest rows by cosine, best first, with their vectors", async () => {
        const rows = Array.from({ length: 50 }, (_, n) => indexRow({ id: String(100 + n), vector: unitVector(n) }));
        await add(...rows);
        const cosine = (row: IndexRow) =>
          row.vector.reduce((sum, value, i) => sum + value * (unitVector(7)[i] ?? 0), 0);
        const expected = rows.sort((a, b) => cosine(b) - cosine(a)).slice(0, 5);
        const three = unitVector(7).map((value) => value * 3);
        for (const vector of [unitVector(7), three]) {
          const found = await nearest(index, vector, CHANNEL_10, 5);
          // A search reads a vector in 127 steps to its largest number.
          const rounded = (row: Pick<IndexRow, "vector">) => {
            const largest = Math.max(...row.vector.map(Math.abs));
            return { ...row, vector: row.vector.map((value) => Math.round((value / largest) * 127)) };
          };
          expect(found.map(rounded)).toEqual(
            expected
              .map(({ createdAt, contentHash, tags, authorName, ngrams, accessChannelId, ...row }) => row)
              .map(rounded),
          );
          for (const [n, { vector: read }] of found.entries()) {
            const kept = expected[n]?.vector ?? [];
            const largest = Math.max(...read.map(Math.abs));
            for (const [i, value] of read.entries())
              expect(Math.abs(value - (kept[i] ?? 0))).toBeLessThan(largest / 250);
          }
        }
      });

      it("answers a query vector without direction with nothing", async () => {
        await add(indexRow({ id: "100" }));
        expect(await nearest(index, new Float32Array(8), CHANNEL_10, 5)).toEqual([]);
      });

      it("matches words of any length that people write: hashes, addresses of wallets, long words in other scripts", async () => {
        const long = [
          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
          "достопримечательность",
          "rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
          "x".repeat(300),
        ];
        await add(...long.map((word, n) => indexRow({ id: String(100 + n), text: `see ${word} here` })));
        for (const [n, word] of long.entries()) {
          expect(foundIds(await matching(index, word, CHANNEL_10, 10))).toEqual([String(100 + n)]);
        }
        await index.optimize({ keepVersionsMs: 3_600_000 });
        for (const [n, word] of long.entries()) {
          const vector = Promise.resolve(undefined);
          const found = await index.candidates({
            text: word,
            phrase: { spellings: [word] },
            vector,
            filter: CHANNEL_10,
            limit: 10,
          });
          expect(foundIds(found)).toEqual([String(100 + n)]);
        }
      });

      it("matches words by their stems, best first, with a score, a moment after they were written", async () => {
        await add(indexRow({ id: "100", text: "the antenna was mounted" }), indexRow({ id: "101", text: "lunch" }));
        await add(indexRow({ id: "102", text: "mounting antennas on roofs, one antenna each" }));
        const found = await matching(index, "antennas mount", CHANNEL_10, 10);
        expect(sortedIds(found)).toEqual(["100", "102"]);
        expect(found[0]?.textScore).toBeGreaterThanOrEqual(found[1]?.textScore ?? Number.POSITIVE_INFINITY);
        expect(found[0]?.vector).toHaveLength(8);
      });

      it("matches what is indexed and what is not yet", async () => {
        await add(indexRow({ id: "100", text: "antenna" }));
        await index.optimize({ keepVersionsMs: 3_600_000 });
        await add(indexRow({ id: "101", text: "antenna" }));
        expect(sortedIds(await matching(index, "antenna", CHANNEL_10, 10))).toEqual(["100", "101"]);
        await put(indexRow({ id: "100", text: "balcony" }));
        await index.removeIds(["101"]);
        expect(await matching(index, "antenna", CHANNEL_10, 10)).toEqual([]);
      });

      it("gives the candidates of vectors and words together, each row once, with the words' score", async () => {
        await add(
          ...Array.from({ length: 50 }, (_, n) => indexRow({ id: String(100 + n), vector: unitVector(n) })),
          indexRow({ id: "200", text: "antenna", vector: unitVector(7) }),
          indexRow({ id: "201", text: "antenna", vector: unitVector(7), channelId: "11" }),
        );
        const vector = unitVector(7);
        const asked = { text: "antenna 107", filter: CHANNEL_10, limit: 5 };
        const byWords = await matching(index, asked.text, CHANNEL_10, 5);
        const byVector = await nearest(index, vector, CHANNEL_10, 5);
        const expected = new Map([...byVector, ...byWords].map((row) => [row.id, row]));
        const found = await index.candidates({ ...asked, vector: Promise.resolve(vector) });
        expect(new Map(found.map((row) => [row.id, row]))).toEqual(expected);
        expect(found).toHaveLength(expected.size);
        expect(sortedIds(await index.candidates({ ...asked, vector: Promise.resolve(undefined) }))).toEqual([
          "107",
          "200",
        ]);
        const fewer = await index.candidates({
          ...asked,
          text: "nothing",
          vector: Promise.resolve(vector),
          nearest: 2,
        });
        expect(sortedIds(fewer)).toEqual(["107", "200"]);
      });

      it("gives a row with a phrase as a candidate however many others hold its words", async () => {
        const others = Array.from({ length: 60 }, (_, n) => indexRow({ id: String(100 + n), text: "the who" }));
        await add(...others, indexRow({ id: "200", text: `the tall one ${"and so on ".repeat(20)} who the` }));
        await add(indexRow({ id: "201", text: "who the", channelId: "11" }));
        await index.optimize({ keepVersionsMs: 3_600_000 });
        const asked = { text: "who the", vector: Promise.resolve(undefined), filter: CHANNEL_10, limit: 5 };
        expect((await index.candidates(asked)).map(({ id }) => id)).not.toContain("200");
        const found = (await index.candidates({ ...asked, phrase: { spellings: ["who the"] } })).map(({ id }) => id);
        expect(found).toContain("200");
        expect(found).not.toContain("201");
      });

      it("looks for what fits beyond its limit: of a phrase, to the end", async () => {
        const alike = Array.from({ length: 300 }, (_, n) =>
          indexRow({ id: String(100 + n), searchText: "mount bracket" }),
        );
        await add(
          ...alike,
          indexRow({ id: "7", searchText: "a long text, last of those by its words: mounted brackets" }),
        );
        const asked = { text: "mounted brackets", vector: Promise.resolve(undefined), filter: CHANNEL_10, limit: 10 };
        const fits = ({ searchText }: { searchText: string }) => searchText.includes("mounted");
        for (const round of ["before upkeep", "after"]) {
          const phrase = { spellings: ["mounted brackets"] };
          expect(sortedIds(await index.candidates({ ...asked, phrase, fits })), round).toEqual(["7"]);
          expect(sortedIds(await index.candidates({ ...asked, fits })), round).toEqual(["7"]);
          await index.optimize({ keepVersionsMs: 3_600_000 });
        }
      });

      it("gives only rows that may hold a phrase as its candidates, with the words' score, indexed or not", async () => {
        await add(indexRow({ id: "100", text: "the who" }), indexRow({ id: "101", text: "who is the man" }));
        await index.optimize({ keepVersionsMs: 3_600_000 });
        await add(indexRow({ id: "200", text: "I like the who" }), indexRow({ id: "201", text: "the end" }));
        const asked = { text: "the who", vector: Promise.resolve(unitVector(101)), filter: CHANNEL_10, limit: 5 };
        const found = await index.candidates({ ...asked, phrase: { spellings: ["the who"] } });
        expect(sortedIds(found)).toEqual(["100", "200"]);
        expect(found.every(({ textScore = 0 }) => textScore > 0)).toBe(true);
      });

      it("gives the candidates as they are now when rows move or go while it searches", async () => {
        await add(indexRow({ id: "100", text: "antenna" }), indexRow({ id: "101", text: "antenna" }));
        await add(indexRow({ id: "102", text: "antenna" }));
        let embedded: (vector: Float32Array) => void = () => {};
        const vector = new Promise<Float32Array>((resolve) => {
          embedded = resolve;
        });
        const candidates = index.candidates({ text: "antenna", vector, filter: CHANNEL_10, limit: 10 });
        await index.removeIds(["101"]);
        await index.optimize({ keepVersionsMs: 3_600_000 });
        embedded(unitVector(1));
        const found = await candidates;
        expect(sortedIds(found)).toEqual(["100", "102"]);
        expect(found.every(({ textScore }) => textScore !== undefined)).toBe(true);
      });

      it("searches the search text and shows the text", async () => {
        await add(indexRow({ id: "100", text: "yes", searchText: "do you have an antenna?\nAda: yes" }));
        expect((await matching(index, "antenna", CHANNEL_10, 10))[0]?.text).toBe("yes");
      });

      it("matches words with accents, Chinese and Hebrew words", async () => {
        await add(
          indexRow({ id: "100", text: "Café Zürich" }),
          indexRow({ id: "101", text: "明天我们去北京吃烤鸭" }),
          indexRow({ id: "102", text: "שלום עולם" }),
        );
        expect(foundIds(await matching(index, "cafe", CHANNEL_10, 10))).toEqual(["100"]);
        expect(foundIds(await matching(index, "北京", CHANNEL_10, 10))).toEqual(["101"]);
        expect(foundIds(await matching(index, "עולם", CHANNEL_10, 10))).toEqual(["102"]);
      });

      it.each([
        ["nothing", ""],
        ["spaces", "   "],
        ["punctuation", "!!!"],
        ["quotes and operators", '" OR 1=1 --'],
        ["a lone bracket", "("],
        ["a field and an operator", "a:b AND"],
        ["a lone surrogate", "\ud800"],
        ["a very long word", "x".repeat(4000)],
        ["very many words", "word ".repeat(2000)],
        ["SQL", "'; DROP TABLE x"],
      ])("takes %s as words", async (_, query) => {
        await add(indexRow({ id: "100", text: "antenna" }));
        expect(await matching(index, query, CHANNEL_10, 10)).toEqual([]);
      });

      it("lists the newest records, a page at a time, each once", async () => {
        await add(
          ...["103", "101", "104", "102", "100"].map((id) => indexRow({ id })),
          indexRow({ id: "104", chunk: 1 }),
          indexRow({ id: "200", channelId: "11" }),
        );
        expect(foundIds(await index.latest(CHANNEL_10, 2, 0))).toEqual(["104", "103"]);
        expect(foundIds(await index.latest(CHANNEL_10, 2, 2))).toEqual(["102", "101"]);
        expect(foundIds(await index.latest(CHANNEL_10, 2, 4))).toEqual(["100"]);
      });

      it("shows nothing to those who may read nothing", async () => {
        await add(indexRow({ id: "100" }));
        const nothing: SearchFilter = { accessChannelIds: [] };
        expect(await nearestIds(nothing)).toEqual([]);
        expect(await matching(index, "text", nothing, 10)).toEqual([]);
        expect(await index.latest(nothing, 10, 0)).toEqual([]);
        expect(await index.rows(["100"], nothing)).toEqual([]);
        expect(await index.count(nothing)).toBe(0);
      });

      it("shows private notes to their owner alone, wherever they were made", async () => {
        await add(
          indexRow({ id: "100", kind: "note", channelId: "10", ownerId: "20", text: "note" }),
          indexRow({ id: "101", kind: "note", channelId: "10", text: "note for the channel" }),
          indexRow({ id: "102", channelId: "11", text: "a note elsewhere" }),
        );
        for (const [filter, ids] of [
          [{ accessChannelIds: ["10"] }, ["101"]],
          [{ accessChannelIds: ["10"], viewerId: "20" }, ["100", "101"]],
          [{ accessChannelIds: [], viewerId: "20" }, ["100"]],
          [{ accessChannelIds: ["10"], viewerId: "21" }, ["101"]],
          [{ accessChannelIds: ["11"], viewerId: "20" }, ["100", "102"]],
        ] as const) {
          expect(await nearestIds(filter)).toEqual(ids);
          expect(sortedIds(await matching(index, "note", filter, 10))).toEqual(ids);
          expect(sortedIds(await index.latest(filter, 10, 0))).toEqual(ids);
          expect(sortedIds(await index.rows(["100", "101", "102"], filter))).toEqual(ids);
          expect(await index.count(filter)).toBe(ids.length);
        }
      });

      it("narrows by kind, channel, author, time, contents and exclusion, all at once and one by one", async () => {
        await add(
          indexRow({ id: "100", channelId: "10", authorId: "20", tags: ["has:link", "has:image", "by:ada"] }),
          indexRow({ id: "101", channelId: "11", accessChannelId: "10", authorId: "21", tags: ["has:link"] }),
          indexRow({ id: "102", channelId: "10", authorId: "21", kind: "note", tags: ["has:file", "has:code"] }),
        );
        for (const [narrow, ids] of [
          [{ kinds: ["note"] }, ["102"]],
          [{ kinds: ["note", "message"] }, ["100", "101", "102"]],
          [{ channelIds: ["11"] }, ["101"]],
          [{ channelIds: [] }, []],
          [{ authorIds: ["21", "22"] }, ["101", "102"]],
          [{ afterId: "100" }, ["101", "102"]],
          [{ beforeId: "102" }, ["100", "101"]],
          [{ tags: [["has:link"]] }, ["100", "101"]],
          [{ tags: [["has:link"], ["has:image"]] }, ["100"]],
          [{ tags: [["has:image", "has:code"]] }, ["100", "102"]],
          [{ tags: [["has:lin"]] }, []],
          [{ tags: [[]] }, []],
          [{ tags: [] }, ["100", "101", "102"]],
          [{ authorNames: ["ada"] }, ["100"]],
          [{ authorNames: ["ada"], authorIds: ["22"] }, ["100"]],
          [{ authorNames: ["ada"], authorIds: ["21"] }, ["100", "101", "102"]],
          [{ authorNames: [], authorIds: [] }, []],
          [{ except: { tags: ["has:image", "has:file"] } }, ["101"]],
          [{ except: { authorIds: ["21"] } }, ["100"]],
          [{ except: { channelIds: ["11"], kinds: ["note"] } }, ["100"]],
          [{ except: { channelIds: [], tags: [] } }, ["100", "101", "102"]],
          [{ excludeIds: ["100", "101"] }, ["102"]],
          [{ excludeIds: [] }, ["100", "101", "102"]],
          [
            {
              kinds: ["message"],
              channelIds: ["10"],
              authorIds: ["20"],
              afterId: "99",
              beforeId: "101",
              tags: [["has:image"]],
            },
            ["100"],
          ],
        ] as const) {
          const filter = { ...CHANNEL_10, ...narrow };
          expect([narrow, await nearestIds(filter)]).toEqual([narrow, ids]);
          expect([narrow, sortedIds(await matching(index, "text", filter, 10))]).toEqual([narrow, ids]);
        }
      });

      it("searches the same when its indexes are built", async () => {
        const rows = Array.from({ length: 400 }, (_, n) =>
          indexRow({
            id: String(1000 + n),
            channelId: String(10 + (n % 4)),
            authorId: String(20 + (n % 7)),
            vector: unitVector(n),
          }),
        );
        await add(...rows);
        const filter: SearchFilter = { accessChannelIds: ["10", "12"], viewerId: "5", authorIds: ["21", "22"] };
        const before = [await nearest(index, unitVector(3), filter, 20), await index.count(filter)];
        await index.optimize({ keepVersionsMs: 0 });
        expect([await nearest(index, unitVector(3), filter, 20), await index.count(filter)]).toEqual(before);
        expect(await matching(index, "1016", { accessChannelIds: ["10"] }, 5)).toHaveLength(1);
      });

      it.each([
        { accessChannelIds: ["1) OR (1=1"] },
        { accessChannelIds: ["10"], viewerId: "x" },
        { accessChannelIds: ["10"], excludeIds: ["99999999999999999999"] },
        { accessChannelIds: ["10"], afterId: "1; DROP" },
      ])("refuses what is not an id: %j", async (filter) => {
        await expect(nearest(index, unitVector(1), filter, 10)).rejects.toThrow(/not an id/);
      });
    });

    describe("versions", () => {
      it("keeps a tagged version through upkeep, and takes a tag given twice", async () => {
        await add(indexRow({ id: "100" }));
        await index.tag("before-run-1");
        await index.tag("before-run-1");
        await put(indexRow({ id: "100", contentHash: "new" }));
        await index.optimize({ keepVersionsMs: 0 });
        await index.optimize({ keepVersionsMs: 0 });
        expect(await keys()).toEqual(["100/0 new"]);
      });

      it("gives disk space back when old versions are dropped", async () => {
        const rows = Array.from({ length: 2000 }, (_, n) => indexRow({ id: String(1000 + n) }));
        for (let n = 0; n < 5; n += 1) await put(...rows);
        const before = await index.stats();
        await index.optimize({ keepVersionsMs: 0 });
        await index.optimize({ keepVersionsMs: 0 });
        expect((await index.stats()).diskBytes).toBeLessThan(before.diskBytes / 2);
      });
    });

    describe("rows that are only left to go", () => {
      it("tells which of some ids have rows", async () => {
        await add(indexRow({ id: "100" }), indexRow({ id: "101", chunk: 1 }), indexRow({ id: "102" }));
        expect((await index.holds(["101", "102", "103"])).sort()).toEqual(["101", "102"]);
        expect(await index.holds([])).toEqual([]);
      });

      it("takes a neighbour's words out of the rows that carry them, and leaves all else as it is", async () => {
        const carrying = indexRow({
          id: "100",
          contextId: "7",
          searchText: joinSearchText("it's a neighbour's\nsecret", "Ada: ", "own words"),
        });
        const other = indexRow({ id: "101", contextId: "8", searchText: joinSearchText("kept", "Ada: ", "more") });
        await add(carrying, other);
        await index.removeContext(["7", "9"]);
        const { contextId: _, ...bare } = carrying;
        expect(await index.rows(["100", "101"])).toEqual([
          { ...bare, searchText: joinSearchText("", "Ada: ", "own words") },
          other,
        ]);
        expect(foundIds(await matching(index, "secret", CHANNEL_10, 10))).toEqual([]);
        expect(foundIds(await matching(index, "own", CHANNEL_10, 10))).toEqual(["100"]);
      });
    });

    describe("the store", () => {
      it("opens a table that is there as it is, and none that is not", async () => {
        expect(await store.openExisting(GUILD, { ...testSpace, fingerprint: "gone" })).toBeUndefined();
        await add(indexRow({ id: "100" }));
        await index.close();
        const again = await store.openExisting(GUILD, testSpace);
        expect(await again?.count()).toBe(1);
        expect(await store.fingerprints(GUILD)).toEqual(["test-8"]);
      });

      it("drops one table and leaves the others", async () => {
        await store.open(GUILD, { modelId: "b", dimensions: 4, fingerprint: "other.model-4" });
        await store.drop(GUILD, "other.model-4");
        await store.drop(GUILD, "other.model-4");
        expect(await store.fingerprints(GUILD)).toEqual(["test-8"]);
      });

      it("keeps guilds and embedding spaces apart", async () => {
        await add(indexRow({ id: "100" }));
        const otherGuild = await store.open("134371407874870897", testSpace);
        const otherSpace = await store.open(GUILD, { modelId: "b", dimensions: 4, fingerprint: "other.model-4" });
        await otherSpace.write([indexRow({ id: "101", vector: unitVector(1, 4) })], { fresh: true });
        expect(await otherGuild.count()).toBe(0);
        expect(await keys()).toEqual(["100/0 hash-100"]);
        expect(await store.fingerprints(GUILD)).toEqual(["other.model-4", "test-8"]);
      });

      it("shares one index among those who open it, and opens it again after it was closed", async () => {
        const again = await store.open(GUILD, testSpace);
        await again.write([indexRow({ id: "100" })], { fresh: true });
        expect(await index.count()).toBe(1);
        await index.close();
        expect(await (await store.open(GUILD, testSpace)).count()).toBe(1);
      });

      it("drops all tables of one guild, also open ones, and starts anew afterwards", async () => {
        const kept = await store.open("77", testSpace);
        await kept.write([indexRow({ id: "100" })], { fresh: true });
        await add(indexRow({ id: "100" }));
        await store.drop(GUILD);
        expect(await store.fingerprints(GUILD)).toEqual([]);
        expect(await (await store.open(GUILD, testSpace)).count()).toBe(0);
        expect(await kept.count()).toBe(1);
      });
    });
  });
}
