import { describe, expect, it } from "vitest";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import type { SearchResult } from "../../src/search/search.ts";
import { snowflakeAt, snowflakeBefore } from "../../src/snowflake.ts";
import { apologyView, userErrorView } from "../../src/views/errors.ts";
import { noteChoice, noteRemovedView, noteSavedView, notesView } from "../../src/views/notes.ts";
import { queryHeading, type ResultsPage, searchResultsView, similarHeading } from "../../src/views/search-results.ts";
import { surroundingsView } from "../../src/views/surroundings.ts";
import { exampleRun, exampleStatus, guildId, monster, now } from "./examples.ts";
import { answerTo, hit } from "./hits.ts";
import { buttonLabels, expectSendable, textOf } from "./valid.ts";

const shown = (changes: Partial<ResultsPage> = {}): ResultsPage => ({
  guildId,
  heading: queryHeading("solder", []),
  result: answerTo("solder"),
  hits: [],
  page: 0,
  sessionId: "abcd1234",
  shared: false,
  newestArePending: false,
  marked: true,
  threadsUnchecked: false,
  ageRestrictedLeftOut: false,
  status: undefined,
  ...changes,
});

/** The text of a page without results, which must be sendable. */
function emptyPage(result: Partial<SearchResult> = {}, changes: Partial<ResultsPage> = {}): string {
  const view = searchResultsView(shown({ result: answerTo("solder", result), ...changes }));
  expectSendable(view);
  return textOf(view);
}

describe("a page of results", () => {
  it("shows author, channel, time, the words in their context and the way there", () => {
    const found = hit({ text: "you must solder *both* sides" });
    const view = searchResultsView(shown({ hits: [found] }));
    expectSendable(view);
    const text = textOf(view);
    expect(text).toContain("1. Ada");
    expect(text).toContain("<t:1740830400:R>");
    // The link is shown with the channel's name: it stands there once.
    expect(text).not.toContain("<#");
    expect(text).toContain("> you must **solder** \\*both\\* sides");
    expect(text).toContain(`https://discord.com/channels/${guildId}/${guildId}/${found.row.id}`);
    expect(buttonLabels(view)).toEqual(["🔍 1"]);
  });

  it("shows of a long message the part that was found", () => {
    const found = hit(
      { text: "the end of a long story", chunk: 2 },
      { content: `${"word ".repeat(900)} the end of a long story` },
    );
    expect(textOf(searchResultsView(shown({ hits: [found] })))).toContain("word the end of a long story");
  });

  it("numbers results through the pages and ends its buttons where the results end", () => {
    const hits = [hit(), hit()];
    const pageButtons = (view: ReturnType<typeof searchResultsView>) => view.components[1]?.components ?? [];
    const last = searchResultsView(shown({ page: 2, hits }));
    expect(textOf(last)).toContain("Results 11 to 12");
    expect(buttonLabels(last)).toEqual(["🔍 11", "🔍 12", "Previous", "Next"]);
    expect(pageButtons(last).map(({ disabled }) => disabled)).toEqual([false, true]);
    const middle = searchResultsView(shown({ page: 1, hits, result: answerTo("solder", { hasMore: true }) }));
    expect(pageButtons(middle).map(({ custom_id }) => custom_id)).toEqual([
      "backscroll:search:page:abcd1234:0",
      "backscroll:search:page:abcd1234:2",
    ]);
  });

  it("holds five monstrous messages by monstrous authors, whatever else there is to say, without cutting into Markdown", () => {
    const filter = { accessChannelIds: [guildId], afterId: "1", beforeId: "1343714078748708111" };
    const query = { ...answerTo("solder").query, misread: Array.from({ length: 4 }, () => ({ typed: monster })) };
    for (const text of ["*_`~|>[]()#-<: solder", "||s|| ", "a*a*", "||solder", "![*](x)", "烤鸭solder", "🦊"]) {
      const hits = Array.from({ length: 5 }, (_, at) => ({
        ...hit({ id: snowflakeAt(now + at), text: text.repeat(400), authorName: monster }),
        repeats: Array.from({ length: 200 }, () => hit().record),
        others: Array.from({ length: 200 }, () => hit().record),
      }));
      const result = answerTo("solder a 烤鸭", { filter, query, hasMore: true, degraded: "refused" });
      const heading = queryHeading(monster, [monster]);
      const view = searchResultsView(shown({ heading, hits, result, threadsUnchecked: true, soughtId: "1" }));
      expectSendable(view);
      expect(view.embeds[0]?.fields).toHaveLength(5);
      for (const { value } of view.embeds[0]?.fields ?? []) {
        expect(value).toMatch(/\/channels\/\d+\/\d+\/\d+$/);
        expect(value.match(/(?<!\\)\|\|/g)?.length ?? 0).toSatisfy((marks: number) => marks % 2 === 0);
        expect(value.match(/(?<!\\)\*\*/g)?.length ?? 0).toSatisfy((marks: number) => marks % 2 === 0);
      }
    }
  });

  it("says how many more say the same, and where", () => {
    const others = [hit({ id: "11" }), hit({ id: "12" }), hit({ id: "13" })].map(({ record }) => record);
    const text = textOf(searchResultsView(shown({ hits: [{ ...hit(), repeats: others }] })));
    expect(text).toContain("and 3 more that say the same");
    expect(text).toContain(`/${guildId}/11)`);
  });

  it("tells notes from messages, and links to the message a note was saved from, and to nothing that cannot be opened", () => {
    const source = "1343714078748708222";
    const hits = [
      hit({ kind: "note", ownerId: "7" }),
      hit({ kind: "note" }),
      hit({ kind: "note", ownerId: "7" }, { sourceMessageId: source }),
    ];
    const text = textOf(searchResultsView(shown({ hits })));
    expect(text).toContain("1. 📝 private note of Ada");
    expect(text).toContain("2. 📝 note of Ada");
    expect(text.match(/https:\S+/g)).toEqual([`https://discord.com/channels/${guildId}/${guildId}/${source}`]);
  });

  it("keeps spoilers closed, in results and in what heads them", () => {
    const found = hit({ text: "so ||the butler|| did it" });
    const heading = similarHeading(found.record);
    const text = textOf(searchResultsView(shown({ heading, hits: [found], result: answerTo("butler") })));
    expect(text).toContain("> so ||the **butler**|| did it");
    expect(text).toContain("Like “so ||the butler|| did it”");
    expect(text.replace(/\|\|.*?\|\|/g, "")).not.toContain("butler");
  });

  it("shows mentions in what was searched for, and the options that were set beside it", () => {
    const text = textOf(
      searchResultsView(shown({ heading: queryHeading("from:<@7> *solder*", ["in:<#55>"]), hits: [hit()] })),
    );
    expect(text).toContain("🔎 from:<@7> \\*solder\\* in:<#55>");
    expect(queryHeading("solder\n# Everybody out\n\n- now", [])).toBe("solder # Everybody out - now");
  });

  it("tells in the reader's own time where dates begin and end, as days are days in UTC", () => {
    const filter = {
      accessChannelIds: [guildId],
      afterId: snowflakeBefore(snowflakeAt(now)),
      beforeId: snowflakeAt(now + 60_000),
    };
    const text = textOf(searchResultsView(shown({ hits: [hit()], result: answerTo("solder", { filter }) })));
    expect(text).toContain("🕒 from <t:1740830400:f> until <t:1740830460:f>, in your time (days are counted in UTC)");
  });

  it("stars the message that was looked for, or says that it is not there", () => {
    const found = hit();
    const there = textOf(searchResultsView(shown({ hits: [hit({ id: "5" }), found], soughtId: found.record.id })));
    expect(there).toContain("⭐ 2. Ada");
    expect(there).not.toContain("⭐ 1.");
    expect(textOf(searchResultsView(shown({ hits: [hit({ id: "5" })], soughtId: "6" })))).toContain("not on this page");
  });

  it("says so when meaning is not available, when operators were not understood and when threads were not checked", () => {
    const degraded = emptyPage({ degraded: "connection refused" }, { hits: [hit()] });
    expect(degraded).toContain("by the words alone");
    expect(degraded).not.toContain("refused");
    const query = { ...answerTo("").query, misread: [{ typed: "before:lunch" }] };
    expect(emptyPage({ query }, { hits: [hit()] })).toContain(
      "I looked for “before:lunch” as words. What I understand: from: in: mentions:",
    );
    const unclear = { ...query, misread: [{ typed: "after:5m", question: "5 minutes or 5 months?" }] };
    expect(emptyPage({ query: unclear }, { hits: [hit()] })).toContain("“after:5m” (5 minutes or 5 months?)");
    expect(emptyPage({ query: { ...query, without: ["soup"] } }, { hits: [hit()] })).toContain("Without “soup”");
    expect(emptyPage({}, { threadsUnchecked: true })).toContain("Some private threads could not be checked");
  });

  it("is valid for an empty query", () => {
    const heading = queryHeading("   ", []);
    const text = emptyPage({ query: answerTo("").query }, { heading, hits: [hit({ text: "" })] });
    expect(text).toContain("Everything, newest first");
    expect(text).toContain("Results 1 to 1 · newest first");
    expect(text).toContain("(no text)");
  });
});

describe("a page without results", () => {
  const allIsThere = { anythingToSee: true, anythingWithinLimits: true, inTheWay: [] };

  it("says which name is not known, in words that tell nothing of what the reader cannot see", () => {
    const text = emptyPage({ unknown: ["from:bob", "in:secret"] });
    expect(text).toContain("Nobody here is called “from:bob” or “in:secret”, and no channel that you can read.");
    expect(emptyPage({ unknown: ["in:secret"] }, { shared: true })).toContain("everybody here can read");
  });

  it("says what is in the way", () => {
    const narrow = { anythingToSee: true, anythingWithinLimits: false };
    expect(emptyPage({ nothing: { ...narrow, inTheWay: ["author", "time"] } })).toContain(
      "something without the author, or without the dates",
    );
    expect(emptyPage({ nothing: { ...narrow, inTheWay: [] } })).toContain("Nothing fits all the limits at once");
    expect(emptyPage({ nothing: { ...narrow, anythingToSee: false, inTheWay: [] } })).toContain("is searchable yet");
    const backwards = { accessChannelIds: [], afterId: "20", beforeId: "10" };
    expect(emptyPage({ filter: backwards })).toContain("No message can be both");
    const phrase = { ...answerTo("both sides").query, phrases: ["both sides"] };
    expect(emptyPage({ query: phrase, nothing: allIsThere })).toContain(
      "Nothing that you can read says exactly “both sides”",
    );
    expect(emptyPage({ nothing: { ...allIsThere, onlyFar: true } })).toContain("Nothing close to that");
    const link = { ...answerTo("").query, messageId: "17" };
    expect(emptyPage({ query: link, nothing: allIsThere })).toContain("That message is not there");
    expect(emptyPage({ nothing: allIsThere })).toContain("Try other words");
    expect(emptyPage({}, { shared: true })).toContain("search without `share`");
    expect(emptyPage({}, { page: 3 })).toContain("There are no more results");
  });

  it("says where age-restricted channels are searched, to whom there are some, also where a name is not known for that", () => {
    const elsewhere = { ageRestrictedLeftOut: true };
    expect(emptyPage({ nothing: allIsThere }, elsewhere)).toContain(
      "Age-restricted channels are searched only from such",
    );
    expect(emptyPage({ unknown: ["in:cellar"] }, elsewhere)).toContain(
      "Age-restricted channels are searched only from such",
    );
    expect(emptyPage({ nothing: allIsThere })).not.toContain("Age-restricted");
    expect(emptyPage({}, { ...elsewhere, hits: [hit()] })).not.toContain("Age-restricted");
  });

  it("says how far back messages are searchable, and that the newest may be on their way", () => {
    const cursor = snowflakeAt(now - 40 * 86_400_000);
    const [recent, medium, ...rest] = exampleRun().phases;
    const phases = [recent, medium && { ...medium, cursor }, ...rest].filter((each) => each !== undefined);
    const running = exampleStatus({ run: exampleRun({ phases }), livePending: 3 });
    expect(emptyPage({}, { status: running })).toContain(`at 9.9 %, back to <t:${1740830400 - 40 * 86_400}:R>`);
    const newest = "newest messages are still being made searchable";
    expect(emptyPage({}, { status: running, newestArePending: true })).toContain(newest);
    // Those that wait may all be where the asker cannot read.
    expect(emptyPage({}, { status: running })).not.toContain(newest);
    const paused = exampleStatus({ run: exampleRun({ status: "paused", phases }) });
    expect(emptyPage({}, { status: paused })).toContain("is not finished (it is at 9.9 %, back to");
    const partly = exampleStatus({ run: exampleRun({ phases: phases.slice(1) }) });
    expect(emptyPage({}, { status: partly })).not.toContain("back to");
    expect(emptyPage({}, { status: exampleStatus({ run: undefined }) })).toContain("no backfill has been made here");
    const changed = exampleStatus({ run: exampleRun({ status: "succeeded" }), otherModel: true });
    expect(emptyPage({}, { status: changed })).toContain("the search model was changed. An admin can start a backfill");
    expect(emptyPage({}, { status: exampleStatus({ run: exampleRun({ status: "succeeded" }) }) })).not.toContain(
      "backfill",
    );
  });
});

describe("a result in its context", () => {
  const record = hit({ text: "so ||the butler|| did it" }).record;
  const beside = (id: string, content: string): ArchivedRecord => ({ ...record, id, authorName: "Ben", content });

  it("stands between the message before and the one after, spoilers closed, with a way to each", () => {
    const soughtId = record.id;
    const view = surroundingsView(
      { record, before: [beside("12", "who was it?")], after: [beside("13", "no!")], soughtId },
      guildId,
    );
    expectSendable(view);
    expect(textOf(view)).toMatch(/Ben.*who was it\?.*▶ Ada.*so \|\|the butler\|\| did it.*Ben.*no!/s);
    expect(textOf(view).match(/https:\S+/g)).toHaveLength(3);
    expect(buttonLabels(view)).toEqual(["Earlier", "Later", "Find similar"]);
  });

  it("says where a conversation begins and ends, and fits whatever was said", () => {
    const alone = surroundingsView({ record, before: [], after: [], soughtId: record.id }, guildId);
    expectSendable(alone);
    expect(textOf(alone)).toContain("Nothing before it, nothing after it that is stored");
    expect(buttonLabels(alone)).toEqual(["Find similar"]);
    const huge = { ...record, content: monster, authorName: monster };
    const many = Array.from({ length: 5 }, (_, at) => ({ ...huge, id: String(at + 1) }));
    const view = surroundingsView({ record: huge, before: many, after: many, soughtId: record.id }, guildId);
    expectSendable(view);
    expect(view.embeds[0]?.fields).toHaveLength(11);
    expect(view.embeds[0]?.footer).toBeUndefined();
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
    expect(textOf(noteSavedView(carried, guildId))).toContain("Tea? · a.png: a cup");
  });

  it("keep spoilers closed, and out of where nothing can be closed", () => {
    const told = { ...note, content: "it was ||the butler||" };
    for (const view of [noteSavedView(told, guildId), notesView([told], 0, guildId), noteRemovedView(told)]) {
      expect(textOf(view)).toContain("it was ||the butler||");
    }
    expect(noteChoice(told)).toContain("it was ▒▒▒");
  });
});

describe("errors", () => {
  it("are short, and valid however long the reason", () => {
    expectSendable(userErrorView(monster));
    expectSendable(apologyView("e1d2c3b4"));
    expect(textOf(apologyView("e1d2c3b4"))).toContain("`e1d2c3b4`");
  });
});
