import { expect, test } from "vitest";
import type { SearchFilter } from "../../src/ports/vector-index.ts";
import { whyNothing } from "../../src/search/why-nothing.ts";

const access = { accessChannelIds: ["10"], viewerId: "5" };

/** @param fits whether anything fits a filter */
async function why(filter: Partial<SearchFilter>, fits: (asked: SearchFilter) => boolean) {
  const asked: SearchFilter[] = [];
  const count = async (one: SearchFilter = access) => {
    asked.push(one);
    return fits(one) ? 1 : 0;
  };
  return { ...(await whyNothing({ count }, { ...access, ...filter })), asked };
}

test("a limit is in the way when something would fit without it alone", async () => {
  const fits = ({ authorIds, tags }: SearchFilter) => authorIds === undefined && tags === undefined;
  expect(await why({ authorIds: ["20"], kinds: ["note"] }, fits)).toMatchObject({
    anythingToSee: true,
    anythingWithinLimits: false,
    inTheWay: ["author"],
  });
  expect((await why({ authorIds: ["20"], tags: [["has:link"]] }, fits)).inTheWay).toEqual([]);
});

test("the two fields of one limit are taken away together", async () => {
  const since = await why({ afterId: "7", beforeId: "9" }, ({ afterId, beforeId }) => !afterId && !beforeId);
  expect(since.inTheWay).toEqual(["time"]);
  const by = await why(
    { authorIds: ["2"], authorNames: ["ada"] },
    ({ authorIds, authorNames }) => !authorIds && !authorNames,
  );
  expect(by.inTheWay).toEqual(["author"]);
});

test("no limit is in the way of who can see nothing, or would find something by other words", async () => {
  const blind = await why({ channelIds: ["11"] }, () => false);
  expect(blind).toMatchObject({ anythingToSee: false, anythingWithinLimits: false, inTheWay: [] });
  // No limit is even tried: whoever can see nothing finds nothing without it.
  expect(blind.asked).toHaveLength(2);
  const wordless = await why({ channelIds: ["11"] }, () => true);
  expect(wordless).toMatchObject({ anythingToSee: true, anythingWithinLimits: true, inTheWay: [] });
});

test("whatever is taken away, nothing is counted that the viewer may not see", async () => {
  const limits = {
    authorIds: ["2"],
    channelIds: ["11"],
    beforeId: "9",
    tags: [["has:link"]],
    kinds: ["note"],
    except: {},
  } as const;
  const { asked, inTheWay } = await why(limits, ({ except }) => except === undefined);
  expect(inTheWay).toEqual(["except"]);
  expect(asked).toHaveLength(2 + 6);
  for (const each of asked) expect(each).toMatchObject(access);
});
