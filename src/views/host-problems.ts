// What keeps Backscroll from working as it should on the bot it is part of, for those who can tell whoever runs that bot. Pure.

import type { HostProblem, IntentName } from "../ports/discord.ts";
import { card, colors, type View } from "./message.ts";

/** What the bot cannot do without it. */
export const withoutIntent: Readonly<Record<IntentName, string>> = {
  Guilds: "it knows neither its servers nor their channels",
  GuildMessages: "it does not hear what is written, edited and deleted",
  MessageContent: "every message reads as empty",
};

const told = (what: string, remedy: string) => `⚠️ ${what}\n➜ ${remedy}`;

/** With what whoever runs the bot can do. */
function problemText(problem: HostProblem): string {
  switch (problem.kind) {
    case "command-taken":
      return told(
        `**${problem.command}** is another command of this bot, so Backscroll's of that name is not there.`,
        "Give Backscroll's commands names of their own with `commandPrefix` (`COMMAND_PREFIX`), e.g. `bs-`, and restart the bot.",
      );
    case "command-removed":
      return told(
        `**${problem.command}** is taken off Discord again and again, probably by a program that registers all commands of this bot in one go.`,
        "Add Backscroll's `commandDefinitions` to what that program registers.",
      );
    case "intent-lacking": {
      const { intent } = problem;
      const portal = " It must also be turned on at discord.com/developers (your application, Bot).";
      return told(
        `The bot does not ask Discord for the intent **${intent}**: ${withoutIntent[intent]}.`,
        `Add ${intent} to the \`intents\` of its client, and restart it.${intent === "MessageContent" ? portal : ""}`,
      );
    }
  }
}

/** Each with what can be done about it. */
export function hostProblemText(problems: readonly HostProblem[]): string {
  return problems.map(problemText).join("\n");
}

/** The post in the admin channel. */
export function hostProblemsView(problems: readonly HostProblem[]): View {
  return card({
    title: "⚠️ Something for whoever runs this bot",
    color: colors.warning,
    description: hostProblemText(problems),
  });
}
