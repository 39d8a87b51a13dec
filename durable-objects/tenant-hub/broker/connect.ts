import { deviceSessionsMax, packetBytesMax } from "../../../core/limits.ts";
import type { ConnackPacket, ConnectPacket } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { type ReasonCode, reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { deviceTopicName, parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName } from "../../../core/topics/topic-name.ts";
import { elsewhere, propertiesOf, refusal } from "./closes.ts";
import { redeliver } from "./deliver.ts";
import type { Close, Effect, RefusedPlace } from "./events.ts";
import { asFits, dropSocket, endSession, expireSession, finishSession, refreshPresence } from "./lifecycle.ts";
import {
  aliasesOutMax,
  clientIdCharactersMax,
  inflightMax,
  keepAliveSecondsMax,
  keepAliveWatchedSecondsMax,
  linkProperty,
  linkWatched,
  receiveMaximum,
  topicAliasMaximum,
} from "./limits.ts";
import { mayAskAt, mayPublish } from "./rights.ts";
import {
  type Elsewhere,
  expiryNever,
  type Identity,
  newSession,
  type Principal,
  principalId,
  type Session,
  type Socket,
  sessionKey,
} from "./session.ts";
import { addSession, type BrokerState, sessionsOf, sidEnded } from "./state.ts";

/** What the steps of one CONNECT know and find out. */
interface Connection {
  readonly state: BrokerState;
  readonly socket: Socket;
  readonly connect: ConnectPacket;
  /** Null until the credentials were judged. */
  readonly identity: Identity | Elsewhere | RefusedPlace | null;
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
  checkMethod,
  authenticate,
  authorize,
  limitConnects,
  checkWill,
  endExpiredSession,
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
  identity: Identity | Elsewhere | RefusedPlace | null,
  now: number,
  effects: Effect[],
): void {
  socket.level = connect.level;
  socket.packetBytesMax = connect.properties?.maximumPacketSize ?? null;
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

/** CONNACK with the code, then the end [MQTT-3.2.2-7]. 3.1.1 reads the reason in the close. */
export function refuseConnection(
  state: BrokerState,
  socket: Socket,
  close: Close,
  now: number,
  effects: Effect[],
): void {
  const reasonCode = close.reasonCode ?? reasonCodes.unspecified_error;
  const properties = propertiesOf(close);
  const packet: ConnackPacket = { type: "connack", sessionPresent: false, reasonCode, properties };
  effects.push({ kind: "send", socket, packet: asFits(socket, packet) });
  dropSocket(state, socket, now, { graceful: true, close, presence: true }, effects);
}

function refuse(connection: Connection, reasonCode: ReasonCode, reason: string): StepResult {
  const { state, socket, now, effects } = connection;
  refuseConnection(state, socket, refusal(reason, reasonCode), now, effects);
  return "stop";
}

function checkClientId(connection: Connection): StepResult {
  const { connect, socket } = connection;
  const { clientId, clean, level } = connect;
  const invalid = reasonCodes.client_identifier_not_valid;
  if (clientId.length > clientIdCharactersMax)
    return refuse(connection, invalid, `client ids have at most ${clientIdCharactersMax} characters`);
  // 3.1 wants 1 to 23 characters (section 3.1). A 3.1.1 client without an id can't be found again, so it
  // can't ask for a lasting session [MQTT-3.1.3-8]; a 5.0 client is told its id.
  if (clientId === "" && (level === 3 || (level === 4 && !clean)))
    return refuse(connection, invalid, "a lasting session needs a client id");
  connection.clientId = clientId === "" ? `auto-${socket.id}` : clientId;
  return "next";
}

function checkMethod(connection: Connection): StepResult {
  if (connection.connect.properties?.authenticationMethod === undefined) return "next";
  return refuse(connection, reasonCodes.bad_authentication_method, "enhanced authentication is not offered");
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
      return refuse(connection, reasonCodes.bad_user_name_or_password, "the credentials are not valid");
    case "refused_place":
      refuseConnection(state, socket, identity.close, now, connection.effects);
      return "stop";
    case "unavailable":
      return refuse(connection, reasonCodes.server_unavailable, "credentials can't be checked now; try again");
    case "elsewhere":
      refuseConnection(state, socket, elsewhere(identity.reference), now, connection.effects);
      return "stop";
    case "device":
      if (!state.devices.has(identity.device))
        return refuse(connection, reasonCodes.bad_user_name_or_password, "the credentials are not valid");
      connection.principal = { kind: "device", device: identity.device };
      return "next";
    case "user":
      if (
        !state.members.has(identity.user) ||
        sidEnded(state, identity.sid, identity.user) ||
        identity.expiresAtMs <= now
      )
        return refuse(connection, reasonCodes.not_authorized, "no access to this organisation");
      connection.principal = { kind: "user", user: identity.user };
      socket.identity = { user: identity.user, sid: identity.sid };
      socket.expiresAtMs = identity.expiresAtMs;
      return "next";
  }
}

/** Of whoever proved who they are, so that nobody can use up another's. */
function limitConnects(connection: Connection): StepResult {
  const { state, now } = connection;
  const over = state.rates.connects(principalId(principalOf(connection)), now);
  if (over === null) return "next";
  const reason = `at most ${over.burst} connections at once, then ${Math.round(over.perSecond * 60)} a minute`;
  return refuse(connection, reasonCodes.connection_rate_exceeded, reason);
}

/** A will is a publish that waits, so it obeys the same rights. */
function checkWill(connection: Connection): StepResult {
  const { state, connect } = connection;
  if (connect.will === null) return "next";
  const topic = parseTopicName(connect.will.topic);
  if (topic === null) return refuse(connection, reasonCodes.topic_name_invalid, "the will's topic is malformed");
  const parsed = parseDeviceTopic(topic);
  if (parsed === null || !mayPublish(state, principalOf(connection), parsed))
    return refuse(connection, reasonCodes.not_authorized, "the will's topic is not allowed");
  if (!mayAskAt(state, principalOf(connection), connect.will.properties?.responseTopic))
    return refuse(connection, reasonCodes.not_authorized, "the will's response topic is not allowed");
  return "next";
}

/** What is due is due, whether or not the alarm has rung: a session's end [MQTT-3.1.2-23], or its will. */
function endExpiredSession(connection: Connection): StepResult {
  const { state, now, effects } = connection;
  const session = existingSession(connection);
  if (session?.socket === null) expireSession(state, session, now, effects);
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
    return refuse(connection, reasonCodes.quota_exceeded, reason);
  }
  endSession(state, longest, now, refusal("replaced", reasonCodes.quota_exceeded), effects);
  return "next";
}

/** The same principal with the same client id: the older connection ends [MQTT-3.1.4-3]. */
function takeOver(connection: Connection): StepResult {
  const { state, now, effects } = connection;
  const older = existingSession(connection)?.attached ?? null;
  if (older !== null) {
    const close = refusal("taken over by a newer connection with this client id", reasonCodes.session_taken_over);
    dropSocket(state, older, now, { graceful: false, close, presence: false }, effects);
  }
  return "next";
}

function openSession(connection: Connection): StepResult {
  const { state, connect, clientId, now, effects } = connection;
  const existing = existingSession(connection);
  const expirySeconds = expiryOf(connect);
  if (existing !== undefined && !connect.clean) {
    connection.session = existing;
    connection.sessionPresent = true;
    existing.expirySeconds = expirySeconds;
    return "next";
  }
  // A clean start begins by discarding the session before; its will, if one waits, is due [MQTT-3.1.2-4], [MQTT-3.1.3-9].
  if (existing !== undefined) finishSession(state, existing, now, effects);
  connection.session = newSession(principalOf(connection), clientId, expirySeconds);
  addSession(state, connection.session);
  return "next";
}

/** 5.0 says so itself; before, a clean session ends with its connection and every other never. */
function expiryOf(connect: ConnectPacket): number {
  if (connect.level === 5) return connect.properties?.sessionExpiryInterval ?? 0;
  return connect.clean ? 0 : expiryNever;
}

function attachSocket(connection: Connection): StepResult {
  const { socket, connect, effects } = connection;
  const session = sessionOf(connection);
  const { properties } = connect;
  socket.phase = "connected";
  socket.connect = null;
  socket.session = session;
  socket.keepAliveSeconds = grantedKeepAlive(connect);
  socket.receiveMaximum = properties?.receiveMaximum ?? inflightMax;
  socket.problemInformation = properties?.requestProblemInformation !== 0;
  socket.aliasesOutMax = Math.min(properties?.topicAliasMaximum ?? 0, aliasesOutMax);
  session.socket = socket.id;
  session.attached = socket;
  session.will = connect.will;
  // Whoever comes back in time takes the waiting will with him [MQTT-3.1.3-9].
  session.willDueAtMs = null;
  effects.push({ kind: "write", write: { kind: "put_session", session } }, { kind: "save_socket", socket });
  return "next";
}

/** What was asked for, within what a 5.0 client can be told; older ones can't be told anything. */
function grantedKeepAlive(connect: ConnectPacket): number {
  const asked = connect.keepAliveSeconds;
  if (connect.level !== 5) return asked;
  const watched = connect.properties?.userProperties?.some(
    ([name, value]) => name === linkProperty && value === linkWatched,
  );
  const longest = watched === true ? keepAliveWatchedSecondsMax : keepAliveSecondsMax;
  return asked === 0 || asked > longest ? longest : asked;
}

function acknowledgeConnection(connection: Connection): StepResult {
  const { socket, connect, sessionPresent, effects } = connection;
  const properties = connect.level === 5 ? connackProperties(connection) : null;
  const { success } = reasonCodes;
  // 3.1 has no Session Present: the bit is reserved there.
  const packet: ConnackPacket = {
    type: "connack",
    sessionPresent: sessionPresent && connect.level > 3,
    reasonCode: success,
    properties,
  };
  effects.push({ kind: "send", socket, packet });
  return "next";
}

function connackProperties(connection: Connection): Properties {
  const { state, connect, socket, clientId } = connection;
  const principal = principalOf(connection);
  const properties: Properties = { receiveMaximum, maximumPacketSize: packetBytesMax, topicAliasMaximum };
  if (connect.clientId === "") properties.assignedClientIdentifier = clientId;
  if (socket.keepAliveSeconds !== connect.keepAliveSeconds) properties.serverKeepAlive = socket.keepAliveSeconds;
  if (connect.properties?.requestResponseInformation === 1) {
    properties.responseInformation =
      principal.kind === "device" ? deviceTopicName(state.org, principal.device, "") : `sentinel/${state.org}/devices/`;
  }
  return properties;
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

function existingSession(connection: Connection): Session | undefined {
  return connection.state.sessions.get(sessionKey(principalOf(connection), connection.clientId));
}

function principalOf(connection: Connection): Principal {
  if (connection.principal === null) throw new Error("a step after authorize needs its principal");
  return connection.principal;
}

function sessionOf(connection: Connection): Session {
  if (connection.session === null) throw new Error("a step after openSession needs its session");
  return connection.session;
}
