// How alike an embedder finds texts that have nothing to do with each other. Many models put all texts into a narrow cone: to
// multilingual-e5-small, unrelated ones have a cosine of 0.75. Ranking takes what is above that.

import type { Embedder } from "../ports/embedder.ts";
import { dot } from "../vectors.ts";

/** About different things, in several languages, as long as chat messages are. */
const SENTENCES = [
  "The bakery on the corner closes at six on Sundays.",
  "My flight to Lisbon was delayed by three hours.",
  "Which screws hold the graphics card in place?",
  "The goalkeeper saved two penalties in the final.",
  "Der Hund schläft am liebsten unter dem Küchentisch.",
  "Im Herbst werden die Äpfel zu Saft gepresst.",
  "El museo abre sus puertas a las nueve de la mañana.",
  "Mi hermana toca el violín en una orquesta.",
  "Le train de nuit pour Vienne part à vingt heures.",
  "Il faut arroser les tomates tous les deux jours.",
  "Котёнок уронил вазу с подоконника.",
  "Завтра в горах обещают первый снег.",
  "今年の夏祭りは雨で中止になりました。",
  "新しいキーボードの音が静かで気に入っている。",
  "这家餐馆的牛肉面非常有名。",
  "他每天早上在河边跑五公里。",
  "어제 본 영화의 결말이 마음에 들지 않았다.",
  "은행 앱을 업데이트한 뒤로 로그인이 안 돼요.",
  "السوق القديم مزدحم دائما قبل العيد.",
  "نسيت مفاتيح السيارة في المكتب.",
  "उसने अपने बगीचे में गुलाब लगाए।",
  "आज शाम बिजली दो घंटे नहीं रहेगी।",
  "O computador desliga sozinho quando fica quente.",
  "Kahve makinesi sabahtan beri bozuk.",
];

/** @returns the mean cosine of each other sentence, as a query, with the rest of them, as documents @throws as `Embedder.embed` */
export async function measureUnrelatedCosine(
  { embed, limits }: Pick<Embedder, "embed" | "limits">,
  signal?: AbortSignal,
): Promise<number> {
  const count = Math.min(SENTENCES.length / 2, limits.textsPerRequest);
  const asked = SENTENCES.filter((_, place) => place % 2 === 1).slice(0, count);
  const queries = await embed(asked, "query", signal);
  const others = SENTENCES.filter((_, place) => place % 2 === 0).slice(0, count);
  const documents = await embed(others, "document", signal);
  const cosines = queries.flatMap((query) => documents.map((document) => dot(query, document)));
  return cosines.reduce((sum, cosine) => sum + cosine, 0) / (queries.length * documents.length);
}
