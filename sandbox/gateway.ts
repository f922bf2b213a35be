// The gateway: WebSocket sessions that identify, beat, get events with sequence numbers, and resume where they stopped.
// A session may be of one shard, and then gets the events of that shard's guilds.
// Sources: https://discord.com/developers/docs/events/gateway, #sharding

import type { Server } from "node:http";
import { GatewayCloseCodes, GatewayDispatchEvents, GatewayIntentBits, GatewayOpcodes } from "discord-api-types/v10";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { type Dispatch, dispatchesFor, guildCreate } from "./dispatch.ts";
import { membersChunk } from "./members-chunk.ts";
import { renderUser } from "./render-guild.ts";
import type { RenderContext } from "./render-message.ts";
import type { Validator } from "./validation.ts";
import { createVisibilityTracker } from "./visibility.ts";

/** A shard of more guilds is refused. */
const GUILDS_PER_SHARD = 2_500;
/** Events kept for a resume; a session that missed more is invalid. */
const REPLAY_LIMIT = 10_000;
const HIGHEST_INTENT = (1 << 26) - 1;

interface Session {
  readonly id: string;
  readonly shard: Shard;
  readonly intents: number;
  sequence: number;
  /** The latest events, as sent, each with its sequence number. */
  replay: { readonly sequence: number; readonly text: string }[];
  socket: WebSocket | undefined;
}

/** Its number and how many there are. */
type Shard = readonly [number, number];

/** Whether what happens in a guild, or in none (undefined), is a shard's to hear. */
function isOf([number, count]: Shard, guildId: string | undefined): boolean {
  return number === (guildId === undefined ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(count)));
}

function toShard(given: unknown): Shard | undefined {
  if (given === undefined) return [0, 1];
  const [number, count] = Array.isArray(given) ? given : [];
  const isShard = Number.isInteger(number) && Number.isInteger(count) && number >= 0 && number < count;
  return isShard ? [number, count] : undefined;
}

export interface Gateway {
  /** Closes every connection; a session that is not resumable is forgotten. */
  drop(resumable: boolean): void;
  /** Hides a guild from every session, or shows it again. */
  setAvailable(guildId: string, isAvailable: boolean): void;
  /** Sessions that are connected right now. */
  readonly connections: number;
  close(): void;
}

export interface GatewayOptions {
  readonly context: RenderContext;
  readonly server: Server;
  readonly token: string;
  readonly url: string;
  readonly heartbeatIntervalMs: number;
  readonly validator: Validator | undefined;
}

export function createGateway(options: GatewayOptions): Gateway {
  const { context, token } = options;
  const { state } = context;
  const sessions = new Map<string, Session>();
  const sockets = new WebSocketServer({ server: options.server });
  const visibility = createVisibilityTracker(context);
  const unavailable = new Set<string>();

  function dispatch(session: Session, { name, data, checks = [] }: Dispatch): void {
    for (const { schema, value } of checks) options.validator?.event(name, schema, value);
    session.sequence++;
    const text = JSON.stringify({ op: GatewayOpcodes.Dispatch, t: name, s: session.sequence, d: data });
    session.replay.push({ sequence: session.sequence, text });
    if (session.replay.length > REPLAY_LIMIT) session.replay = session.replay.slice(-REPLAY_LIMIT / 2);
    session.socket?.send(text);
  }

  const unsubscribe = state.subscribe((event) => {
    const synced = visibility.after(event);
    const guildId = "guild" in event ? event.guild.id : event.interaction.guildId;
    if ("guild" in event && unavailable.has(event.guild.id)) return;
    for (const session of sessions.values()) {
      if (!isOf(session.shard, guildId)) continue;
      for (const each of dispatchesFor(context, session.intents, event)) dispatch(session, each);
      if (session.intents & GatewayIntentBits.Guilds) for (const each of synced) dispatch(session, each);
    }
  });

  function send(socket: WebSocket, op: GatewayOpcodes, d: unknown = null): void {
    socket.send(JSON.stringify({ op, d, s: null, t: null }));
  }

  function forbiddenIntents(intents: number): boolean {
    const { guildMembers, messageContent, presences } = state.privilegedIntents;
    return (
      (!guildMembers && (intents & GatewayIntentBits.GuildMembers) !== 0) ||
      (!messageContent && (intents & GatewayIntentBits.MessageContent) !== 0) ||
      (!presences && (intents & GatewayIntentBits.GuildPresences) !== 0)
    );
  }

  function identify(
    socket: WebSocket,
    data: { token?: string; intents?: number; shard?: unknown },
  ): Session | undefined {
    const intents = data.intents ?? -1;
    if (data.token !== token)
      return void socket.close(GatewayCloseCodes.AuthenticationFailed, "Authentication failed.");
    if (!Number.isInteger(intents) || intents < 0 || intents > HIGHEST_INTENT) {
      return void socket.close(GatewayCloseCodes.InvalidIntents, "Invalid intent(s).");
    }
    if (forbiddenIntents(intents))
      return void socket.close(GatewayCloseCodes.DisallowedIntents, "Disallowed intent(s).");
    const shard = toShard(data.shard);
    if (shard === undefined) return void socket.close(GatewayCloseCodes.InvalidShard, "Invalid shard.");
    const guilds = [...state.guilds.values()].filter(({ id }) => isOf(shard, id));
    if (guilds.length > GUILDS_PER_SHARD) {
      return void socket.close(GatewayCloseCodes.ShardingRequired, "Sharding required.");
    }
    const session: Session = { id: state.newToken(), shard, intents, sequence: 0, replay: [], socket };
    sessions.set(session.id, session);
    dispatch(session, {
      name: GatewayDispatchEvents.Ready,
      data: {
        v: 10,
        user: { ...renderUser(state.bot), mfa_enabled: true, verified: true, email: null },
        guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
        session_id: session.id,
        resume_gateway_url: options.url,
        shard,
        application: { id: state.applicationId, flags: 0 },
        private_channels: [],
      },
    });
    if (intents & GatewayIntentBits.Guilds) {
      for (const guild of guilds) {
        if (!unavailable.has(guild.id)) dispatch(session, guildCreate(context, intents, guild));
      }
    }
    return session;
  }

  function resume(socket: WebSocket, data: { token?: string; session_id?: string; seq?: number }): Session | undefined {
    if (data.token !== token)
      return void socket.close(GatewayCloseCodes.AuthenticationFailed, "Authentication failed.");
    const session = sessions.get(data.session_id ?? "");
    const seen = data.seq ?? -1;
    const oldest = session?.replay[0]?.sequence ?? 1;
    if (!session || seen > session.sequence || seen < oldest - 1) {
      sessions.delete(data.session_id ?? "");
      return void send(socket, GatewayOpcodes.InvalidSession, false);
    }
    session.socket?.terminate();
    for (const { sequence, text } of session.replay) if (sequence > seen) socket.send(text);
    session.socket = socket;
    dispatch(session, { name: GatewayDispatchEvents.Resumed, data: { _trace: [] } });
    return session;
  }

  sockets.on("connection", (socket) => {
    let session: Session | undefined;
    send(socket, GatewayOpcodes.Hello, { heartbeat_interval: options.heartbeatIntervalMs });

    socket.on("message", (raw: RawData) => {
      const packet = parsePacket(raw);
      if (!packet) return socket.close(GatewayCloseCodes.DecodeError, "Error while decoding payload.");
      const data = (packet.d ?? {}) as never;
      switch (packet.op) {
        case GatewayOpcodes.Heartbeat:
          return send(socket, GatewayOpcodes.HeartbeatAck);
        case GatewayOpcodes.Identify:
          if (session) return socket.close(GatewayCloseCodes.AlreadyAuthenticated, "Already authenticated.");
          session = identify(socket, data);
          return;
        case GatewayOpcodes.Resume:
          if (session) return socket.close(GatewayCloseCodes.AlreadyAuthenticated, "Already authenticated.");
          session = resume(socket, data);
          return;
        case GatewayOpcodes.RequestGuildMembers:
          if (!session) return socket.close(GatewayCloseCodes.NotAuthenticated, "Not authenticated.");
          for (const chunk of membersChunk(state, data)) dispatch(session, chunk);
          return;
        case GatewayOpcodes.PresenceUpdate:
        case GatewayOpcodes.VoiceStateUpdate:
          return;
        default:
          return socket.close(GatewayCloseCodes.UnknownOpcode, "Unknown opcode.");
      }
    });

    socket.on("close", (code) => {
      if (session?.socket !== socket) return;
      session.socket = undefined;
      // A client that says goodbye with 1000 or 1001 gives its session up.
      if (code === 1000 || code === 1001) sessions.delete(session.id);
    });
    socket.on("error", () => socket.terminate());
  });

  return {
    drop(resumable) {
      if (!resumable) sessions.clear();
      for (const socket of sockets.clients) socket.terminate();
    },
    setAvailable(guildId, isAvailable) {
      const guild = state.guilds.get(guildId);
      if (isAvailable) unavailable.delete(guildId);
      else unavailable.add(guildId);
      for (const session of sessions.values()) {
        if (!(session.intents & GatewayIntentBits.Guilds) || !isOf(session.shard, guildId)) continue;
        if (isAvailable && guild) dispatch(session, guildCreate(context, session.intents, guild));
        if (!isAvailable) {
          dispatch(session, { name: GatewayDispatchEvents.GuildDelete, data: { id: guildId, unavailable: true } });
        }
      }
    },
    get connections() {
      return [...sessions.values()].filter(({ socket }) => socket).length;
    },
    close() {
      unsubscribe();
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

function parsePacket(raw: RawData): { op: number; d?: unknown } | undefined {
  try {
    const packet: unknown = JSON.parse(String(raw));
    return typeof packet === "object" && packet !== null && "op" in packet
      ? (packet as { op: number; d?: unknown })
      : undefined;
  } catch {
    return undefined;
  }
}
