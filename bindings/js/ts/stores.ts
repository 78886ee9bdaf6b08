// Stores that share a quota between processes. Each only takes what it is told to: how much is for the module.
import type { Leased, Store } from "./gate.js";

/** A store in memory, for tests and for gates in one process. */
export function memoryStore(): Store {
  const taken = new Map<string, number>();
  return {
    lease(key, want, limit) {
      const [leased, total] = take(taken.get(key) ?? 0, want, limit);
      taken.set(key, total);
      return leased;
    },
    release(key, units) {
      taken.set(key, Math.max(0, (taken.get(key) ?? 0) - units));
    },
  };
}

function take(total: number, want: number, limit: number): [Leased, number] {
  const granted = Math.max(0, Math.min(want, limit - total));
  return [{ granted, total: total + granted }, total + granted];
}

/** What is used of a Durable Object's storage. */
interface Storage {
  get<T>(key: string): Promise<T | undefined>;
  put(key: string, value: unknown): Promise<void>;
  delete(keys: string[]): Promise<unknown>;
  list<T>(): Promise<Map<string, T>>;
  setAlarm?(time: number): Promise<void>;
}

/** What is used of a Durable Object's state. */
interface ObjectState {
  storage: Storage;
}

/** The Durable Object that holds the shared quotas: export it from the worker, under the name of its binding. */
export class LicentiaQuota {
  readonly #storage: Storage;

  constructor(state: ObjectState) {
    this.#storage = state.storage;
  }

  async fetch(request: Request): Promise<Response> {
    const { release, key, want, limit, until } = (await request.json()) as {
      release?: boolean; key: string; want: number; limit: number; until?: number;
    };
    // No other request is let in between reading and writing: the object's input gate is closed.
    const cell = await this.#storage.get<{ total: number; until?: number }>(key);
    const before = cell?.total ?? 0;
    const [leased, total] =
      release === true ? [{ granted: 0, total: 0 }, Math.max(0, before - want)] : take(before, want, limit);
    await this.#storage.put(key, { total, until: until ?? cell?.until });
    if (until !== undefined && cell === undefined) await this.#storage.setAlarm?.((until + 60) * 1000);
    return Response.json({ granted: leased.granted, total });
  }

  /** Forgets the cells of periods that have ended. */
  async alarm(): Promise<void> {
    const now = Date.now() / 1000;
    const cells = [...(await this.#storage.list<{ until?: number }>())];
    const ended = cells.filter(([, { until }]) => until !== undefined && until + 60 <= now).map(([key]) => key);
    for (let at = 0; at < ended.length; at += 128) await this.#storage.delete(ended.slice(at, at + 128));
    const next = cells.map(([, { until = Infinity }]) => until).filter((until) => until + 60 > now);
    const soonest = Math.min(...next);
    if (Number.isFinite(soonest)) await this.#storage.setAlarm?.((soonest + 60) * 1000);
  }
}

/** What is used of a Durable Object's namespace. */
interface Namespace {
  idFromName(name: string): unknown;
  get(id: never): { fetch(url: string, init: RequestInit): Promise<Response> };
}

/** Shares quotas exactly, in Durable Objects: one for each licence. */
export function durableObjectStore(namespace: Namespace): Store {
  async function ask(key: string, body: unknown): Promise<Leased> {
    const id = namespace.idFromName(key.split("/", 1)[0] ?? "");
    const init = { method: "POST", body: JSON.stringify(body) };
    return json(await namespace.get(id as never).fetch("https://licentia.internal/", init));
  }
  return {
    lease: (key, want, limit, until) => ask(key, { key, want, limit, until }),
    async release(key, units) {
      await ask(key, { release: true, key, want: units, limit: 0 });
    },
  };
}

async function json<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`the store answered ${response.status}`);
  return (await response.json()) as T;
}

/** What is used of a Workers KV namespace. */
interface KeyValue {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options?: { expiration?: number }): Promise<void>;
}

/**
 * Shares quotas approximately, in Workers KV. KV neither counts in one step nor shows a write everywhere for a
 * minute or more, so that workers which lease at the same time are both granted the same units. Use it where
 * that does not matter, and a Durable Object where it does.
 */
export function kvStore(namespace: KeyValue): Store {
  return {
    async lease(key, want, limit, until) {
      const [leased, total] = take(Number((await namespace.get(key)) ?? 0), want, limit);
      await namespace.put(key, String(total), expiration(until));
      return leased;
    },
  };
}

function expiration(until: number | undefined): { expiration?: number } {
  // KV refuses a time that is less than a minute away.
  return until === undefined ? {} : { expiration: Math.max(until, Math.floor(Date.now() / 1000) + 61) };
}

/** One atomic step: ARGV is want, limit, and the end of the period in seconds since 1970, or 0. */
const LEASE = `
local total = tonumber(redis.call('GET', KEYS[1]) or '0')
local granted = math.max(0, math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - total))
if granted > 0 then
  total = redis.call('INCRBY', KEYS[1], string.format('%.0f', granted))
  if tonumber(ARGV[3]) > 0 then redis.call('EXPIREAT', KEYS[1], ARGV[3]) end
end
return {string.format('%.0f', granted), string.format('%.0f', total)}`;
const RELEASE = `
local total = tonumber(redis.call('GET', KEYS[1]) or '0')
local units = math.min(total, tonumber(ARGV[1]))
if units > 0 then redis.call('DECRBY', KEYS[1], string.format('%.0f', units)) end
return 0`;

/** Runs a script with one key. */
type Evaluate = (script: string, key: string, values: string[]) => Promise<unknown>;

function redisLike(evaluate: Evaluate, prefix: string): Store {
  // One licence's keys are in one slot of a cluster.
  const name = (key: string): string => {
    const [lineage = "", ...rest] = key.split("/");
    return `${prefix}{${lineage}}/${rest.join("/")}`;
  };
  return {
    async lease(key, want, limit, until) {
      // Expiry waits for a minute, so that a clock which is behind does not start the period anew.
      const expires = until === undefined ? 0 : until + 60;
      const answer = await evaluate(LEASE, name(key), [String(want), String(limit), String(expires)]);
      const [granted, total] = answer as [string, string];
      return { granted: Number(granted), total: Number(total) };
    },
    async release(key, units) {
      await evaluate(RELEASE, name(key), [String(units)]);
    },
  };
}

/** Shares quotas in Redis over its REST interface, as Upstash has it. */
export function redisRestStore(options: { url: string; token: string; prefix?: string }): Store {
  const { url, token, prefix = "licentia:" } = options;
  return redisLike(async (script, key, values) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(["EVAL", script, "1", key, ...values]),
    });
    return (await json<{ result: unknown }>(response)).result;
  }, prefix);
}

/** What is used of a client of node-redis. */
interface RedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** Shares quotas in Redis through a connected client of node-redis. */
export function redisStore(client: RedisClient, prefix = "licentia:"): Store {
  return redisLike((script, key, values) => client.eval(script, { keys: [key], arguments: values }), prefix);
}
