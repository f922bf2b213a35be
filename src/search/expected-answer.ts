// Which kind of answer a question asks for, as far as its words tell: "how many" a number, "when" a time, in the languages that the built-in
// model was taught. Pure. That number words and days of all these languages are alike is the model's knowledge: see late-interaction.ts.

import { fold } from "../fold.ts";

/** Words whose relatives, in any language, answer such a question. */
const NUMBERS = "two three four five six seven eight";
const TIMES = "yesterday today tomorrow monday january week month year";

const AMOUNT = `
  how many, how much, how long, how old, how far, how often, how tall, how high, how big, how large, how fast, how deep,
  what year, which year, what date, which date, what day, which day, what time, what percentage, what percent, what age, what number, what score,
  wie viel, wie viele, wieviel, wieviele, wie vielen, wie lange, wie oft, wie alt, wie hoch, wie groß, wie weit, welchem jahr, welches jahr, welchem datum,
  combien, quelle année, quelle date, cuánto, cuánta, cuántos, cuántas, qué año, qué fecha, quantos, quantas, que ano, quants, quantes, quin any,
  quanti, quante, quale anno, che anno, hoeveel, welk jaar, hur många, hur mycket, hur länge, vilket år, hvor mange, hvor meget, hvor lenge, hvor længe,
  kuinka monta, kuinka paljon, montako, minä vuonna, którym roku, kolik, kolika, koľko, koliko, колико, câți, câte, ce an,
  πόσο, πόσα, πόσοι, πόσες, πόσους, πόσων, hány, hányan, mennyi, kiek, сколько, каком году, какого числа, каком веке, скільки, якому році, колко, коя година,
  kaç, kaçıncı, ne kadar, hangi yıl, كم, في أي عام, في أي سنة, ما عدد, چند, چقدر, כמה, באיזו שנה,
  कितने, कितना, कितनी, किस वर्ष, किस साल, किस दशक, bao nhiêu, năm nào, berapa`;
const AMOUNT_UNSPACED = `
  กี่, เท่าไ, เท่าใด, ปีใด, ปีไหน, ปีอะไร, 多少, 几, 幾, 哪一年, 哪年, 多久, 多长, 多大, 多远, 多高,
  何年, 何月, 何日, 何時, 何人, 何回, 何個, 何歳, 何度, 何本, 何枚, 何点, 何件, 何番, 何世紀, 何パーセント, 何%, いくつ, いくら, どれくらい, どのくらい, 몇, 얼마`;
/** Most of these also begin clauses: only what begins with one, and has no other clause, asks for a time. */
const TIME = `
  when did, when do, when does, when is, when are, when was, when were, when will, when can, when could, when should, when would, when has, when have, when had,
  wann, quand, cuándo, quando, wanneer, när, når, hvornår, milloin, kiedy, kdy, kedy, kdaj, kada, када, când, πότε, mikor, когда, коли, кога,
  ne zaman, متى, چه زمانی, מתי, कब, khi nào, kapan`;
const TIME_UNSPACED = "เมื่อไ, เมื่อใด, ตอนไหน, 何时, 什么时候, いつ, 언제";

const anyOf = (list: string) => fold(list).trim().split(/,\s*/).join("|");
/** Beginning and end of a word; marks are parts of letters. */
const [BEGIN, END] = ["(?<![\\p{L}\\p{M}])", "(?![\\p{L}\\p{M}])"];
const ASKS_AMOUNT = new RegExp(`${BEGIN}(?:${anyOf(AMOUNT)})${END}|${anyOf(AMOUNT_UNSPACED)}`, "u");
const ASKS_TIME = new RegExp(`^[^\\p{L}]*(?:${anyOf(TIME)})${END}[^,،]*$|${anyOf(TIME_UNSPACED)}`, "u");

/** @returns words like those that answer it; undefined where the question does not tell. A number, too, answers all that ask for any */
export function wordsLikeAnswer(question: string): string | undefined {
  const folded = fold(question);
  if (ASKS_AMOUNT.test(folded)) return NUMBERS;
  return ASKS_TIME.test(folded) ? TIMES : undefined;
}
