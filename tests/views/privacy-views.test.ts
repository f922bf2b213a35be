import { expect, test } from "vitest";
import type { KeptWhere, StoredAbout } from "../../src/ports/privacy.ts";
import {
  askView,
  exportView,
  keptView,
  optedInView,
  removedView,
  removingView,
  storedView,
} from "../../src/views/privacy.ts";
import { testId } from "../support/archive.ts";
import { expectSendable, textOf } from "./valid.ts";

const here: KeptWhere = {
  isLocal: true,
  modelId: "static",
  modelHost: undefined,
  keepDeletedHours: 24,
  isModelNear: true,
};
const away: KeptWhere = {
  isLocal: false,
  modelId: "m".repeat(300),
  modelHost: "api.example.com",
  keepDeletedHours: 1,
  isModelNear: false,
};
const nothing: StoredAbout = {
  messages: new Map(),
  oldestId: undefined,
  notes: 0,
  savedByOthers: 0,
  isOptedOut: false,
  deletedBeforeId: undefined,
  isBeingRemoved: false,
  keptSinceId: undefined,
};
const much: StoredAbout = {
  messages: new Map([
    ["text", 100_000],
    ["public-thread", 1],
  ]),
  oldestId: testId(1),
  notes: 1,
  savedByOthers: 2,
  isOptedOut: true,
  deletedBeforeId: undefined,
  isBeingRemoved: true,
  keptSinceId: testId(3),
};

test("every reply of /privacy is one that Discord takes", () => {
  for (const where of [here, away]) {
    for (const about of [nothing, much, { ...much, isOptedOut: false, deletedBeforeId: testId(2) }]) {
      expectSendable(storedView(about, where));
      for (const what of ["delete", "opt-out"] as const) expectSendable(askView(what, about));
    }
    for (const what of ["delete", "opt-out"] as const) {
      for (const isDone of [true, false]) expectSendable(removedView(what, isDone, where));
    }
  }
  for (const view of [keptView(), removingView(), optedInView(true), optedInView(false)]) expectSendable(view);
  for (const left of [0, 5]) expectSendable(exportView({ messages: 1, notes: 2, left }, 2, left > 0));
  expectSendable(exportView({ messages: 0, notes: 0, left: 0 }, 1, true));
});

test("a member is told to which host their words are sent, and that backups and others' messages are not reached", () => {
  expect(textOf(storedView(much, away))).toContain("api.example.com");
  expect(textOf(storedView(much, away))).toContain("on the network");
  expect(textOf(storedView(nothing, here))).toContain("no text is sent anywhere else");
  for (const view of [storedView(nothing, here), askView("delete", much), removedView("opt-out", true, here)]) {
    expect(textOf(view)).toContain("Backups");
    expect(textOf(view)).toContain("in others' messages, quoted or forwarded, stay");
  }
});

test("a removal that takes longer than a reply lives is not called done", () => {
  expect(textOf(removedView("delete", false, here))).not.toContain("is deleted:");
  expect(textOf(removedView("delete", false, here))).toContain("Ask again");
});
