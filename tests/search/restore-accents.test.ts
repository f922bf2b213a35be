import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fold } from "../../src/fold.ts";
import { countAccentedForms, restoreAccents } from "../../src/search/restore-accents.ts";

const spanish = countAccentedForms([
  "¿Dónde está la antena?",
  "Está en el tejado, dónde si no.",
  "La antena está rota, si no me equivoco.",
  "Si, claro.",
  "Sí.",
]);

describe("a question typed without accents", () => {
  it("gets those that the guild's people write", () => {
    expect(restoreAccents("Donde esta la antena rota?", spanish)).toBe("dónde está la antena rota?");
  });

  it("keeps a word that they write without more often", () => {
    expect(restoreAccents("si", spanish)).toBe("si");
  });

  it("stays as it is where it has one accent, where nobody writes any, and in other scripts", () => {
    expect(restoreAccents("dónde esta", spanish)).toBe("dónde esta");
    expect(restoreAccents("Donde esta", countAccentedForms(["donde esta la antena", "ทำ"]))).toBe("Donde esta");
    expect(restoreAccents("ทำ 天线", spanish)).toBe("ทำ 天线");
  });

  it("tells forms by the words beside them", () => {
    const vietnamese = countAccentedForms([
      "má má má",
      "con ma đói",
      "con mã nhanh",
      "con mã nhanh",
      "con mã vằn",
      "cái má đỏ",
    ]);
    expect(restoreAccents("con ma nhanh", vietnamese)).toBe("con mã nhanh");
    expect(restoreAccents("con ma doi", vietnamese)).toBe("con ma đói");
    expect(restoreAccents("cai ma do", vietnamese)).toBe("cái má đỏ");
    expect(restoreAccents("ma", vietnamese)).toBe("má");
  });

  it("is the same to whoever compares without accents, whatever it is", () => {
    const unit = fc.constantFrom(..."aáâbcdđeéiıİoösşß ,.👍🏽ёе\u0301");
    fc.assert(
      fc.property(fc.string({ unit }), fc.array(fc.string({ unit })), (text, texts) => {
        expect(fold(restoreAccents(text, countAccentedForms(texts)))).toBe(fold(text));
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
