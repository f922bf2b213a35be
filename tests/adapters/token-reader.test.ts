// The token reader against the library that its tokenizer.json was made with, in as many scripts as possible.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseVocabulary } from "../../src/adapters/builtin-model/parse-vocabulary.ts";
import { createTokenReader } from "../../src/adapters/builtin-model/tokens.ts";

const ROOT = join(import.meta.dirname, "../..");
const SHARED = join(ROOT, "../shared/data");
const CHAT = join(SHARED, "chat.meshcore-discord.jsonl.gz");
const LANGUAGES = join(SHARED, "lang");
for (const path of [CHAT, LANGUAGES]) {
  if (!existsSync(path)) console.log(`its texts are skipped: ${path} is not here`);
}

const tokenizerJson = readFileSync(join(ROOT, "models/backscroll-static/tokenizer.json"), "utf8");
const library = new Tokenizer(JSON.parse(tokenizerJson), {});
const vocabulary = parseVocabulary(tokenizerJson);
const reader = createTokenReader(vocabulary);
const LIMIT = 256;

function libraryIds(text: string): number[] {
  const { ids } = library.encode(text, { add_special_tokens: false });
  return ids.filter((id: number) => id !== vocabulary.unknownId).slice(0, LIMIT);
}
const mismatches = (texts: readonly string[]) =>
  texts.filter((text) => reader.read(text, LIMIT).join() !== libraryIds(text).join());

const texts = {
  English: "Don't forget: the 3D-printer's nozzle (0.4 mm) clogs again!",
  German: "Die Überholspur war gesperrt; ich hab’s erst auf der Straße gemerkt.",
  Turkish: "İstanbul'da ışıklar söndü, IŞIK yok.",
  Vietnamese: "Tôi không biết tại sao đèn không sáng",
  Russian: "Как убрать скрип тормозов? Ёлки-палки…",
  Greek: "Πώς σταματάω τα φρένα ΝΑ ΤΡΙΖΟΥΝ; ΟΔΟΣ",
  Arabic: "كيف أوقف صرير المكابح؟ ﷺ",
  Hebrew: "איך מפסיקים את החריקה של הבלמים?",
  Hindi: "साइकिल के ब्रेक की आवाज़ कैसे बंद करें।",
  Bengali: "ব্রেকের শব্দ কীভাবে বন্ধ করব?",
  Tamil: "பிரேக் சத்தத்தை எப்படி நிறுத்துவது",
  Georgian: "როგორ შევაჩერო მუხრუჭების ჭრიალი",
  Armenian: "Ինչպես կանգնեցնել արգելակների ճռռոցը։",
  Amharic: "የፍሬን ድምፅን እንዴት ማቆም እችላለሁ?",
  Thai: "จะหยุดเสียงเบรกได้อย่างไร๏ น้ำมันก็หมดUSB3ตัว",
  Lao: "ຈະຢຸດສຽງເບຣກໄດ້ແນວໃດ ກ່ຽວກັບ",
  Khmer: "តើធ្វើដូចម្តេចដើម្បីបញ្ឈប់សំឡេងហ្វ្រាំង។",
  Burmese: "ဘရိတ်သံကို ဘယ်လိုရပ်ရမလဲ။",
  Chinese: "用discord登录失败怎么办？我试过3次了，𠮷野家和龘都不行。",
  Japanese: "自転車のブレーキの音を止めるには？Node.jsで、ﾊﾝｶｸｶﾞｷﾞｸﾞも・々〆",
  Korean: "브레이크 소음을 어떻게 없애나요 PC방에서",
  emoji: "🎉👨‍👩‍👧‍👦 great 🇩🇪 ❤️ 𝔉𝔯𝔞𝔨𝔱𝔲𝔯 𐄀 𐤟x",
} as const;

describe("the token reader", () => {
  it.each(Object.entries(texts))(
    "agrees with the tokenizer library in %s, decomposed, long and in capitals, too",
    (_, text) => {
      const forms = [
        text,
        text.normalize("NFD"),
        text.normalize("NFKD"),
        text.toUpperCase(),
        text.replaceAll(/\s/g, ""),
      ];
      const pieces = Array.from(text, (_character, at) => text.slice(at));
      expect(mismatches([...forms, ...forms.map((form) => form.repeat(20)), ...pieces])).toEqual([]);
    },
  );

  it("agrees with the tokenizer library on characters made to part them", () => {
    const parts = [
      ..."\t\n\v\f\r \u00a0\u0085\u1680\u180e\u2003\u200b\u200d\u2028\u202f\u205f\u3000\ufeff\ufffd\u0007\0",
      ..."aÅéßİΣς京ㄅ한🎉\ud83d\u0301\u0345[]_'’-.…ำ็ｶﾞ゠・ー々ｇ½ﬁ龘뷁𐄀𠮷",
      "[UNK]",
      "Hello",
      "naïve",
      "don't",
      "x".repeat(101),
      "𝔵".repeat(101),
      "กรรม".repeat(31),
      "漢字".repeat(41),
      "https://example.org/a?b=c#d",
    ];
    const joined = parts.flatMap((a) => parts.flatMap((b) => [`${a}${b}`, `Foo${a}bar${b}baz`, `${a} ${b}`]));
    expect(joined.length).toBeGreaterThan(10_000);
    expect(mismatches(joined)).toEqual([]);
  });

  it("agrees with the tokenizer library on whatever characters stand beside each other", () => {
    const ofTexts = fc.constantFrom(...new Set(Object.values(texts).join("")));
    const any = fc.string({
      unit: fc.oneof(ofTexts, ofTexts, fc.constantFrom(" ", "\n"), fc.string({ unit: "binary", maxLength: 1 })),
    });
    fc.assert(
      fc.property(any, (text) => {
        expect(reader.read(text, LIMIT)).toEqual(libraryIds(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it.skipIf(!existsSync(LANGUAGES))("agrees with the tokenizer library on sentences in a dozen languages", () => {
    for (const file of readdirSync(LANGUAGES)) {
      const { corpus } = JSON.parse(gunzipSync(readFileSync(join(LANGUAGES, file))).toString());
      const sentences = corpus.slice(0, 150).map(({ text }: { text: string }) => text);
      expect(mismatches(sentences), file).toEqual([]);
    }
  });

  it.skipIf(!existsSync(CHAT))("agrees with the tokenizer library on real chat", () => {
    const lines = gunzipSync(readFileSync(CHAT)).toString().trim().split("\n");
    const chat = lines.filter((_, i) => i % 20 === 0).map((line) => String(JSON.parse(line).content ?? ""));
    expect(chat.length).toBeGreaterThan(1000);
    expect(mismatches(chat)).toEqual([]);
  });

  it("reads a run of 4,000 characters in any script in about the time that English takes", () => {
    const english = fastest("the quick brown fox jumped over a lazy dog and went home again ");
    for (const [script, text] of Object.entries(texts)) {
      // Thousands of times as long when the longest match is looked for from the end of the run, or normalised again and again.
      expect(fastest(text.replaceAll(/\s/g, "")) / english, script).toBeLessThan(12);
    }
  });
});

/** Milliseconds for 4,000 characters of it. Of several, the fastest: other programs only make it longer. */
function fastest(text: string): number {
  const long = text.repeat(4_000 / text.length + 1).slice(0, 4_000);
  const times = Array.from({ length: 20 }, () => {
    const started = performance.now();
    reader.read(long, LIMIT);
    return performance.now() - started;
  });
  return Math.min(...times);
}
