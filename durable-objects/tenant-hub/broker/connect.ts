import { deviceSessionsMax } from "../../../core/limits.ts";
import { type ConnectPacket, type ConnectReturnCode, connectReturnCodes } from "../../../core/mqtt/packets.ts";
import { parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName } from "../../../core/topics/topic-name.ts";
import { redeliver } from "./deliver.ts";
import type { Effect } from "./events.ts";
import { dropSocket, endSession, refreshPresence } from "./lifecycle.ts";
import { clientIdCharactersMax } from "./limits.ts";
import { mayPublish } from "./rights.ts";
import {
  addSession,
  type BrokerState,
  type Identity,
  newSession,
  type Principal,
  principalId,
  type Session,
  type Socket,
  sessionKey,
  sessionsOf,
  sidEnded,
} from "./state.ts";

/** What the steps of one CONNECT know and find out. */
interface Connection {
  readonly state: BrokerState;
  readonly socket: Socket;
  readonly connect: ConnectPacket;
  /** Null until the credentials were judged. */
  readonly identity: Identity | null;
  readonly now: number;
  readonly effects: Effect[];
  /** Written by `authorize`. */
  principal: Principal | null;
  /** Written by `checkClientId`. */
  clientId: string;
  /** Written by `openSession`. */
  session: Session | null;
  sessionPresent: boolean;
}

/** `stop`: the step refused, or waits for the credentials to be judged. */
type StepResult = "next" | "stop";

/** The life of a CONNECT, in order. `authenticate` stops it the first time; it begins again with the answer. */
export const connectionSteps: readonly ((connection: Connection) => StepResult)[] = [
  checkClientId,
  authenticate,
  authorize,
  checkWill,
  limitSessions,
  takeOver,
  openSession,
  attachSocket,
  acknowledgeConnection,
  announcePresence,
  deliverWaiting,
];

/** Runs the steps; `identity` is null on the first run. */
export function runConnection(
  state: BrokerState,
  socket: Socket,
  connect: ConnectPacket,
  identity: Identity | null,
  now: number,
  effects: Effect[],
): void {
  const connection: Connection = {
    state,
    socket,
    connect,
    identity,
    now,
    effects,
    principal: null,
    clientId: "",
    session: null,
    sessionPresent: false,
  };
  for (const step of connectionSteps) if (step(connection) === "stop") return;
}

/** CONNACK with the code, then the end [MQTT-3.2.2-5]. */
function refuse(connection: Connection, returnCode: ConnectReturnCode, reason: string): StepResult {
  const { state, socket, now, effects } = connection;
  effects.push({ kind: "send", socket: socket.id, packet: { type: "connack", sessionPresent: false, returnCode } });
  dropSocket(state, socket, now, { graceful: true, close: { code: 1008, reason }, presence: true }, effects);
  return "stop";
}

function checkClientId(connection: Connection): StepResult {
  const { connect, socket } = connection;
  if (connect.clientId.length > clientIdCharactersMax)
    return refuse(
      connection,
      connectReturnCodes.identifier_rejected,
      `client ids have at most ${clientIdCharactersMax} characters`,
    );
  // A client without an id can't be found again, so it can't ask for a lasting session [MQTT-3.1.3-7].
  if (connect.clientId === "" && !connect.clean)
    return refuse(connection, connectReturnCodes.identifier_rejected, "a lasting session needs a client id");
  connection.clientId = connect.clientId === "" ? `auto-${socket.id}` : connect.clientId;
  return "next";
}

function authenticate(connection: Connection): StepResult {
  const { socket, connect, identity, effects } = connection;
  if (identity !== null) return "next";
  socket.phase = "authenticating";
  socket.connect = connect;
  effects.push({ kind: "authenticate", socket, connect });
  return "stop";
}

/** The credentials say who; only what the hub knows now says whether. */
function authorize(connection: Connection): StepResult {
  const { state, identity, now, socket } = connection;
  if (identity === null) throw new Error("authorize runs after authenticate");
  switch (identity.kind) {
    case "bad_credentials":
      return refuse(connection, connectReturnCodes.bad_credentials, "the credentials are not valid");
    case "unavailable":
      return refuse(connection, connectReturnCodes.server_unavailable, "credentials can't be checked now; try again");
    case "device":
      if (!state.devices.has(identity.device))
        return refuse(connection, connectReturnCodes.bad_credentials, "the credentials are not valid");
      connection.principal = { kind: "device", device: identity.device };
      return "next";
    case "user":
      if (
        !state.members.has(identity.user) ||
        sidEnded(state, identity.sid, identity.user) ||
        identity.expiresAtMs <= now
      )
        return refuse(connection, connectReturnCodes.not_authorized, "no access to this organisation");
      connection.principal = { kind: "user", user: identity.user };
      socket.identity = { user: identity.user, sid: identity.sid };
      socket.expiresAtMs = identity.expiresAtMs;
      return "next";
  }
}

/** A will is a publish that waits, so it obeys the same rights. */
function checkWill(connection: Connection): StepResult {
  const { state, connect } = connection;
  if (connect.will === null) return "next";
  const topic = parseTopicName(connect.will.topic);
  const parsed = topic === null ? null : parseDeviceTopic(topic);
  if (parsed === null || !mayPublish(state, principalOf(connection), parsed))
    return refuse(connection, connectReturnCodes.not_authorized, "the will's topic is not allowed");
  return "next";
}

/** A further session pushes out the longest disconnected one, or is refused when all are connected. */
function limitSessions(connection: Connection): StepResult {
  const { state, now, effects, clientId } = connection;
  const principal = principalOf(connection);
  const key = sessionKey(principal, clientId);
  const others = sessionsOf(state, principalId(principal)).filter(
    (session) => session.key !== key && session.clientId !== "",
  );
  if (others.length < deviceSessionsMax) return "next";
  const [longest] = others
    .filter((session) => session.socket === null)
    .sort((a, b) => a.disconnectedAtMs - b.disconnectedAtMs);
  if (longest === undefined) {
    const reason = `at most ${deviceSessionsMax} sessions, and all are connected`;
    return refuse(connection, connectReturnCodes.server_unavailable, reason);
  }
  endSession(state, longest, now, { code: 1008, reason: "replaced" }, effects);
  return "next";
}

/** The same principal with the same client id: the older connection ends [MQTT-3.1.4-2]. */
function takeOver(connection: Connection): StepResult {
  const { state, now, effects, clientId } = connection;
  const session = state.sessions.get(sessionKey(principalOf(connection), clientId));
  const older = session?.socket == null ? undefined : state.sockets.get(session.socket);
  if (older !== undefined) {
    const close = { code: 1008, reason: "taken over by a newer connection with this client id" };
    dropSocket(state, older, now, { graceful: false, close, presence: false }, effects);
  }
  return "next";
}

function openSession(connection: Connection): StepResult {
  const { state, connect, clientId, now, effects } = connection;
  const principal = principalOf(connection);
  const existing = state.sessions.get(sessionKey(principal, clientId));
  if (existing !== undefined && !connect.clean) {
    connection.session = existing;
    connection.sessionPresent = true;
    return "next";
  }
  // A clean session begins by discarding the one before [MQTT-3.1.2-6].
  if (existing !== undefined) endSession(state, existing, now, { code: 1008, reason: "replaced" }, effects);
  connection.session = newSession(principal, clientId, connect.clean);
  addSession(state, connection.session);
  return "next";
}

function attachSocket(connection: Connection): StepResult {
  const { socket, connect, effects } = connection;
  const session = sessionOf(connection);
  socket.phase = "connected";
  socket.connect = null;
  socket.session = session.key;
  socket.keepAliveSeconds = connect.keepAliveSeconds;
  session.socket = socket.id;
  session.will = connect.will;
  effects.push({ kind: "write", write: { kind: "put_session", session } }, { kind: "save_socket", socket });
  return "next";
}

function acknowledgeConnection(connection: Connection): StepResult {
  const { socket, sessionPresent, effects } = connection;
  effects.push({ kind: "send", socket: socket.id, packet: { type: "connack", sessionPresent, returnCode: 0 } });
  return "next";
}

function announcePresence(connection: Connection): StepResult {
  const principal = principalOf(connection);
  if (principal.kind === "device")
    refreshPresence(connection.state, principal.device, connection.now, connection.effects);
  return "next";
}

function deliverWaiting(connection: Connection): StepResult {
  redeliver(sessionOf(connection), connection.effects);
  return "next";
}

function principalOf(connection: Connection): Principal {
  if (connection.principal === null) throw new Error("a step after authorize needs its principal");
  return connection.principal;
}

function sessionOf(connection: Connection): Session {
  if (connection.session === null) throw new Error("a step after openSession needs its session");
  return connection.session;
}
