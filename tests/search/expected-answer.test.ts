import { expect, it } from "vitest";
import { wordsLikeAnswer } from "../../src/search/expected-answer.ts";

const kind = (question: string) => wordsLikeAnswer(question)?.split(" ")[0];

it.each([
  "How many antennas do we need?",
  "in what year did it begin",
  "Wie viele Antennen?",
  "Сколько антенн нужно?",
  "كم عدد الهوائيات؟",
  "कितने एंटीना चाहिए?",
  "ต้องใช้กี่อัน",
  "需要多少天线",
  "アンテナは何本ですか",
  "안테나가 몇 개 필요해?",
  "¿Cuántas antenas?",
  "Cuantas antenas",
])("%j asks for a number", (question) => {
  expect(kind(question)).toBe("two");
});

it.each([
  "When did we buy it?",
  "“When is the meeting”",
  "Wann treffen wir uns?",
  "¿Cuándo llega?",
  "когда встреча",
  "कब मिलेंगे",
  "会议什么时候开始",
])("%j asks for a time", (question) => {
  expect(kind(question)).toBe("yesterday");
});

it.each([
  "which antenna is best",
  "tell me when it rains",
  "When I start it, why does it stop?",
  "When it rains it pours",
  "Когда я включаю его, он гудит",
  "The drug may have consequences",
  "show me howmany",
  "",
])("%j asks for neither", (question) => {
  expect(kind(question)).toBeUndefined();
});
