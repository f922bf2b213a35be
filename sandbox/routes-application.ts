// REST: the gateway's address, the bot itself, its application and its commands.

import { ApplicationCommandType, ApplicationFlags } from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import { checkCommandDefinition, renderCommand } from "./command-rules.ts";
import type { CommandDefinition } from "./command-shapes.ts";
import { errors } from "./discord-error.ts";
import type { Command } from "./model.ts";
import { type ApiObject, renderUser } from "./render-guild.ts";
import { knownGuild, type RestRequest, type Route } from "./routes.ts";
import type { State } from "./state.ts";

/** What Discord recommends: a shard for about so many guilds. */
const GUILDS_PER_SHARD = 1_000;

/** @param shards how many to recommend, and to let identify at once; default: by the number of guilds, as Discord does */
export function createApplicationRoutes(state: State, gatewayUrl: string, shards?: number): Route[] {
  const application = () => ({ status: 200, body: renderApplication(state) });
  return [
    { method: "GET", path: "/gateway", handle: () => ({ status: 200, body: { url: gatewayUrl } }) },
    {
      method: "GET",
      path: "/gateway/bot",
      handle: () => ({
        status: 200,
        body: {
          url: gatewayUrl,
          shards: shards ?? Math.max(1, Math.ceil(state.guilds.size / GUILDS_PER_SHARD)),
          session_start_limit: {
            total: 1000,
            remaining: 1000,
            reset_after: 86_400_000,
            max_concurrency: shards ?? 1,
          },
        },
      }),
    },
    {
      method: "GET",
      path: "/users/@me",
      handle: () => ({
        status: 200,
        body: { ...renderUser(state.bot), mfa_enabled: true, verified: true, locale: "en-US", email: null },
      }),
    },
    {
      method: "GET",
      path: "/users/{user_id}",
      handle: (request) => {
        const user = state.users.get(request.param("user_id"));
        if (!user) throw errors.unknownUser();
        return { status: 200, body: renderUser(user) };
      },
    },
    { method: "GET", path: "/applications/@me", handle: application },
    { method: "GET", path: "/oauth2/applications/@me", handle: application },
    ...commandRoutes(state, "/applications/{application_id}/commands", () => undefined),
    ...commandRoutes(state, "/applications/{application_id}/guilds/{guild_id}/commands", (request) => {
      const guild = state.guilds.get(request.param("guild_id"));
      if (!guild) throw errors.missingAccess();
      return knownGuild(state, guild.id).id;
    }),
  ];
}

function renderApplication(state: State): ApiObject {
  const { guildMembers, messageContent, presences } = state.privilegedIntents;
  const flags =
    (presences ? ApplicationFlags.GatewayPresenceLimited : 0) |
    (guildMembers ? ApplicationFlags.GatewayGuildMembersLimited : 0) |
    (messageContent ? ApplicationFlags.GatewayMessageContentLimited : 0);
  return {
    id: state.applicationId,
    name: state.bot.username,
    icon: null,
    description: "",
    type: null,
    bot: renderUser(state.bot),
    bot_public: false,
    bot_require_code_grant: false,
    integration_types_config: { 0: {} },
    verify_key: "0".repeat(64),
    flags,
    flags_new: String(flags),
    redirect_uris: [],
    interactions_endpoint_url: null,
    role_connections_verification_url: null,
    owner: renderUser(state.owner),
    approximate_guild_count: state.guilds.size,
    approximate_user_install_count: 0,
    approximate_user_authorization_count: 0,
    explicit_content_filter: 0,
    team: null,
    eligible_oauth2_scopes: [],
  };
}

/** The same six routes for global commands (`guildOf` gives undefined) and for a guild's own. */
function commandRoutes(state: State, path: string, guildOf: (request: RestRequest) => Snowflake | undefined): Route[] {
  const own = (guildId: Snowflake | undefined) =>
    [...state.commands.values()].filter((command) => command.guildId === guildId);

  /** @throws DiscordError 10002, 50001 */
  function scope(request: RestRequest): Snowflake | undefined {
    if (request.param("application_id") !== state.applicationId) throw errors.unknownApplication();
    return guildOf(request);
  }

  function find(request: RestRequest): Command {
    const guildId = scope(request);
    const command = state.commands.get(request.param("command_id"));
    if (!command || command.guildId !== guildId) throw errors.unknownCommand();
    return command;
  }

  /** A command of the same name and type is replaced. */
  function upsert(guildId: Snowflake | undefined, definition: CommandDefinition): { command: Command; isNew: boolean } {
    const type = definition.type ?? ApplicationCommandType.ChatInput;
    const existing = own(guildId).find(
      (command) => command.type === type && command.definition.name === definition.name,
    );
    const command: Command = {
      id: existing?.id ?? state.nextId(),
      ...(guildId ? { guildId } : {}),
      type,
      version: state.nextId(),
      definition: definition as Command["definition"],
    };
    state.commands.set(command.id, command);
    return { command, isNew: !existing };
  }

  return [
    {
      method: "GET",
      path,
      handle: (request) => {
        const withLocalizations = request.query.get("with_localizations") === "true";
        const body = own(scope(request)).map((command) => renderCommand(state, command, withLocalizations));
        return { status: 200, body };
      },
    },
    {
      method: "POST",
      path,
      handle: (request) => {
        const guildId = scope(request);
        const definition = request.body as CommandDefinition;
        checkCommandDefinition(definition);
        const { command, isNew } = upsert(guildId, definition);
        return { status: isNew ? 201 : 200, body: renderCommand(state, command) };
      },
    },
    {
      method: "PUT",
      path,
      handle: (request) => {
        const guildId = scope(request);
        const definitions = request.body as readonly CommandDefinition[];
        for (const [index, definition] of definitions.entries()) checkCommandDefinition(definition, [index]);
        const kept = definitions.map((definition) => upsert(guildId, definition).command);
        for (const command of own(guildId)) if (!kept.includes(command)) state.commands.delete(command.id);
        return { status: 200, body: kept.map((command) => renderCommand(state, command)) };
      },
    },
    {
      method: "GET",
      path: `${path}/{command_id}`,
      handle: (request) => ({ status: 200, body: renderCommand(state, find(request)) }),
    },
    {
      method: "PATCH",
      path: `${path}/{command_id}`,
      handle: (request) => {
        const command = find(request);
        const definition = { ...command.definition, ...(request.body as object) } as Command["definition"];
        checkCommandDefinition(definition as CommandDefinition);
        Object.assign(command, { definition, version: state.nextId() });
        return { status: 200, body: renderCommand(state, command) };
      },
    },
    {
      method: "DELETE",
      path: `${path}/{command_id}`,
      handle: (request) => {
        state.commands.delete(find(request).id);
        return { status: 204 };
      },
    },
  ];
}
