import { describe, expect, it } from "vitest";
import type { ArchivedRecord } from "../../src/ports.ts";
import { apologyView, userErrorView } from "../../src/views/errors.ts";
import { noteChoice, noteRemovedView, noteSavedView, notesView } from "../../src/views/notes.ts";
import { type ResultsPage, searchResultsView } from "../../src/views/search-results.ts";
import { guildId, monster } from "./examples.ts";
import { hit, noHits } from "./hits.ts";
import { buttonLabels, expectSendable, textOf } from "./valid.ts";

const shown = (changes: Partial<ResultsPage> = {}): ResultsPage => ({
  guildId,
  title: "solder",
  result: noHits,
  page: 0,
  sessionId: "abcd1234",
  marked: true,
  uncheckedThreads: 0,
  status: undefined,
  ...changes,
});

describe("a page of results", () => {
  it("shows author, channel, time, the words in their context and the way there", () => {
    const found = hit({ text: "you must solder *both* sides" }, "solder");
    const view = searchResultsView(shown({ result: { ...noHits, hits: [found] } }));
    expectSendable(view);
    const text = textOf(view);
    expect(text).toContain("1. Ada");
    expect(text).toContain(`<#${guildId}> · <t:1740830400:R>`);
    expect(text).toContain("> you must **solder** \\*both\\* sides");
    expect(text).toContain(`https://discord.com/channels/${guildId}/${guildId}/${found.row.id}`);
    expect(buttonLabels(view)).toEqual([]);
  });

  it("numbers results through the pages and ends its buttons where the results end", () => {
    const hits = [hit(), hit()];
    const last = searchResultsView(shown({ page: 2, result: { ...noHits, hits } }));
    expect(textOf(last)).toContain("Results 11 to 12");
    expect(last.components[0]?.components.map(({ disabled }) => disabled)).toEqual([false, true]);
    const middle = searchResultsView(shown({ page: 1, result: { ...noHits, hits, hasMore: true } }));
    expect(middle.components[0]?.components.map(({ custom_id }) => custom_id)).toEqual([
      "backscroll:search:page:abcd1234:0",
      "backscroll:search:page:abcd1234:2",
    ]);
  });

  it("holds five monstrous messages by monstrous authors", () => {
    const hits = Array.from({ length: 5 }, () =>
      hit({ text: "*_`~|>[]()#-<: solder".repeat(400), authorName: monster }, "solder"),
    );
    const repeats = [hit().row, hit().row];
    const result = { ...noHits, hits: hits.map((each) => ({ ...each, repeats })), hasMore: true, degraded: "refused" };
    const view = searchResultsView(shown({ title: monster, result, uncheckedThreads: 12 }));
    expectSendable(view);
    expect(view.embeds[0]?.fields).toHaveLength(5);
    expect(textOf(view)).toContain("and 2 more that say the same");
  });

  it("tells notes from messages, and does not link to what cannot be opened", () => {
    const hits = [hit({ kind: "note", ownerId: "7" }), hit({ kind: "note" })];
    const text = textOf(searchResultsView(shown({ result: { ...noHits, hits } })));
    expect(text).toContain("1. 📝 private note of Ada");
    expect(text).toContain("2. 📝 note of Ada");
    expect(text).not.toContain("https://");
  });

  it("says so when meaning is not available, when a name is unknown and when threads were not checked", () => {
    const degraded = searchResultsView(shown({ result: { ...noHits, hits: [hit()], degraded: "connection refused" } }));
    expect(textOf(degraded)).toContain("by the words alone");
    expect(textOf(degraded)).not.toContain("refused");
    const unknown = searchResultsView(shown({ result: { ...noHits, unknown: ["from:bob"] } }));
    expect(textOf(unknown)).toContain("“from:bob”");
    expect(textOf(unknown)).not.toContain("Nothing was found");
    const unchecked = searchResultsView(shown({ uncheckedThreads: 1 }));
    expect(textOf(unchecked)).toContain("1 private thread could not be checked and was left out");
    for (const view of [degraded, unknown, unchecked]) expectSendable(view);
  });

  it("is valid for an empty query", () => {
    const view = searchResultsView(shown({ title: "   ", result: { ...noHits, hits: [hit({ text: "" })] } }));
    expectSendable(view);
    expect(textOf(view)).toContain("Newest first");
    expect(textOf(view)).toContain("(no text)");
  });
});

describe("notes", () => {
  const note: ArchivedRecord = {
    kind: "note",
    id: "1343714078748708976",
    channelId: guildId,
    accessChannelId: guildId,
    authorId: "7",
    authorName: "Ada",
    content: "the key is under the mat",
    visibility: "private",
  };
  const huge: ArchivedRecord = { ...note, content: monster, sourceMessageId: guildId, visibility: "channel" };

  it("are shown within the limits, however long", () => {
    for (const each of [note, huge]) {
      expectSendable(noteSavedView(each, guildId));
      expectSendable(noteRemovedView(each));
      expect(noteChoice(each).length).toBeLessThanOrEqual(100);
    }
    for (const page of [-1, 0, 3, 999])
      expectSendable(
        notesView(
          Array.from({ length: 60 }, () => huge),
          page,
          guildId,
        ),
      );
    expectSendable(notesView([], 0, guildId));
  });

  it("without text of their own show what they carry", () => {
    const carried = { ...note, content: "", poll: "Tea?", attachments: [{ name: "a.png", alt: "a cup" }] };
    expect(textOf(noteSavedView(carried, guildId))).toContain("Tea? · a.png (a cup)");
  });
});

describe("errors", () => {
  it("are short, and valid however long the reason", () => {
    expectSendable(userErrorView(monster));
    expectSendable(apologyView("e1d2c3b4"));
    expect(textOf(apologyView("e1d2c3b4"))).toContain("`e1d2c3b4`");
  });
});
