import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fold, lookUpForms, spellings } from "../src/fold.ts";

describe("folding", () => {
  it.each([
    ["Łódź", "lodz"],
    ["Goethestraße", "goethestrasse"],
    ["SMØRREBRØD", "smorrebrod"],
    ["đường Điện Biên Phủ", "duong dien bien phu"],
    ["İstanbul ışık", "istanbul isik"],
    ["Œuvre, Ægir, Þór", "oeuvre, aegir, thor"],
    ["Ελλάδα ΟΔΟΣ", "ελλαδα οδοσ"],
    ["Ещё ёлка за́мок", "еще елка замок"],
    ["ＷＥＬＣＯＭＥ", "welcome"],
    ["ｶﾞｷﾞ", "ガギ"],
    ["x\u0301\u0323y", "xy"],
    ["sh\u00adip", "ship"],
    ["☀️", "☀"],
    ["مَرْحَبًا بِالعـــالَم", "مرحبا بالعالم"],
    ["أحمد إلى مدرسة", "احمد الي مدرسه"],
    ["می‌کنم", "مي‌كنم"],
    ["שָׁלוֹם עִבְרִית", "שלום עברית"],
  ])("%j becomes %j", (text, expected) => {
    expect(fold(text)).toBe(expected);
  });

  it.each(["हिन्दी", "ภาษาไทย", "が", "தமிழ்", "йод", "їжак"])("keeps the marks of %j, which are letters", (word) => {
    expect(fold(word)).toBe(word.normalize("NFKC"));
  });

  it("makes composed and decomposed text the same, and twice is as good as once", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(fold(text.normalize("NFD"))).toBe(fold(text));
        expect(fold(fold(text))).toBe(fold(text));
      }),
    );
  });
});

describe("spellings", () => {
  it("have German umlauts also as two letters", () => {
    expect(spellings("Grüße")).toEqual(["grusse", "gruesse"]);
    expect(spellings("café")).toEqual(["cafe"]);
  });

  it("are looked up with two letters also as an umlaut", () => {
    expect(lookUpForms("Gruesse")).toEqual(["gruesse", "grusse"]);
    expect(lookUpForms("plain")).toEqual(["plain"]);
  });
});
