// The health lights of status and progress, and the checklist before a start, in words. Pure.

import type { APIEmbedField } from "discord-api-types/v10";
import type { Check } from "../backfill/compare/survey.ts";
import type { Health, Light, LightDetail } from "../backfill/reporting/health.ts";
import { budgetText } from "./cost.ts";
import { withoutIntent } from "./host-problems.ts";
import { fitLines } from "./message.ts";
import { bytes, count, latency, percent, plain, rate } from "./words.ts";

const lights: Readonly<Record<Light, string>> = { ok: "🟢", warning: "🟡", bad: "🔴", unknown: "⚪" };

const parts = ["embedder", "index", "archive", "disk", "memory", "cpu", "clock"] as const;
const partNames: Readonly<Record<(typeof parts)[number], string>> = {
  embedder: "Search model",
  index: "Search index",
  archive: "Stored messages",
  disk: "Disk",
  memory: "Memory",
  cpu: "Processor",
  clock: "Clock",
};

export function healthField(health: Health): APIEmbedField {
  const lines = parts.flatMap((name) => {
    const lit = health[name];
    return lit === undefined ? [] : [`${lights[lit.light]} ${partNames[name]}: ${plain(lightText(lit.detail))}`];
  });
  return { name: "Health", value: fitLines(lines, 1_024) };
}

function lightText(detail: LightDetail): string {
  switch (detail.kind) {
    case "no-answer":
      return "does not answer";
    case "error":
      return detail.message;
    case "embedder-unused":
      return `${detail.modelId}, not needed yet`;
    case "embedder-answers":
      return `${detail.modelId}, answers within ${latency(detail.requestMs)}`;
    case "entries":
      return count(detail.rows, "entry", "entries");
    case "readable":
      return "can be read";
    case "disk":
      return detail.freeBytes === undefined ? "not needed: stored elsewhere" : `${bytes(detail.freeBytes)} free`;
    case "memory":
      return `${percent(detail.usedBytes, detail.limitBytes)} of ${bytes(detail.limitBytes)} in use`;
    case "load":
      return detail.load <= 1.05 ? `${percent(detail.load, 1)} busy` : "fully busy, so that everything takes longer";
    case "clock": {
      if (detail.isRight) return "agrees with Discord's";
      const minutes = count(Math.round(Math.abs(detail.aheadMs) / 60_000), "minute");
      const where = detail.aheadMs > 0 ? "ahead of" : "behind";
      return `${minutes} ${where} Discord's: set this machine's clock right. No message is lost by it`;
    }
  }
}

const checkTitles: Readonly<Record<Check["name"], string>> = {
  embedder: "Search model",
  index: "Search index",
  disk: "Disk space",
  memory: "Memory",
  intents: "Hearing of messages",
  "message-content": "Reading messages",
  ownership: "No second bot at work",
  budget: "The month's budget",
  volume: "Encrypted volume",
};

const remedies: Readonly<Record<Check["name"], string>> = {
  embedder:
    "Start the program that runs the model, or check its address and the model's name (EMBEDDINGS_URL, EMBEDDINGS_MODEL), then try again.",
  index: "",
  disk: "Free some disk space, or lower the reserve (ALERT_DISK_LOW_GB).",
  memory: "Stop something else that runs on this machine, or give it more memory.",
  "message-content":
    "Turn on “Message Content Intent” at discord.com/developers (your application, Bot), then restart the bot.",
  intents: "Add it to the intents of the bot's client, and restart the bot.",
  budget: "Raise it (EMBEDDINGS_BUDGET) and restart the bot, or wait for the new month (UTC).",
  volume: "",
  ownership: "Stop it, or wait 15 seconds after it has ended.",
};

const volumes = {
  encrypted: "what is stored lies on one",
  elsewhere: "what is stored is not on a disk of this machine",
  "not-known": "the system does not tell; docs/privacy.md says how to have one",
} as const;

/** What is ready, and what to do about the rest. */
export function checklist(checks: readonly Check[]): APIEmbedField {
  const lines = checks.map((check) => {
    const isUnknown = check.detail.kind === "volume" && check.detail.state === "not-known";
    const line = `${isUnknown ? "❔" : check.ok ? "✅" : "❌"} **${checkTitles[check.name]}**: ${plain(checkText(check))}`;
    const remedy = remedyText(check);
    return check.ok || remedy === "" ? line : `${line}\n➜ ${plain(remedy)}`;
  });
  return { name: "Ready to start?", value: fitLines(lines, 1_024) };
}

function remedyText({ name, detail }: Check): string {
  const isUnanswered = name === "message-content" && detail.kind === "error";
  return isUnanswered ? "Discord did not answer. Try again in a minute." : remedies[name];
}

export function checkText({ ok, detail }: Check): string {
  switch (detail.kind) {
    case "error":
      return detail.message;
    case "embedder":
      return `${detail.modelId} answers, ${rate(detail.recordsPerSecond)}`;
    case "disk":
      return detail.freeBytes === undefined
        ? `about ${bytes(detail.neededBytes)} needed, but not on this machine: it is stored elsewhere`
        : `${bytes(detail.freeBytes)} free, ${detail.neededBytes > 0 ? `about ${bytes(detail.neededBytes)} needed, ` : ""}${bytes(detail.reserveBytes)} kept in reserve`;
    case "memory":
      return `${bytes(detail.freeBytes)} of ${bytes(detail.limitBytes)} free`;
    case "volume":
      return volumes[detail.state];
    case "entries":
      return `can be read and written${detail.rows > 0 ? `, ${count(detail.rows, "entry", "entries")}` : ""}`;
    case "content":
      return ok ? "Discord lets the bot see what messages say" : "Discord hides from this bot what messages say";
    case "intent-lacking":
      return `${detail.intent} is not asked for: ${withoutIntent[detail.intent].replace(/^it /, "the bot ")}`;
    case "budget": {
      const pauses = "; this backfill needs more than is left, and pauses when that is used up";
      return `used this month: ${budgetText(detail.use)}${ok && !detail.isEnough ? pauses : ""}`;
    }
    case "owner":
      return ok
        ? "this bot alone looks after the server"
        : `${detail.holder ?? "another process"} looks after this server`;
  }
}
