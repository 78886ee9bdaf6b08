// Stores that share quotas between processes. The module decides how many units to lease.
import giveBack from "../../../sdk/src/store/give_back.lua";
import lease from "../../../sdk/src/store/take.lua";
import type { Leased, Store } from "./gate/store.js";

/** The key before keys named the issuer. A count starts from what is found under it. */
function former(key: string): string {
  return key.replace(/:[0-9a-f]{16}:\{/, ":{");
}

/** The stored value of a key. */
interface Cell {
  total: number;
  until?: number | undefined;
}

function seconds(): number {
  return Date.now() / 1000;
}

function take({ total }: Cell, want: number, limit: number, need: number): Leased {
  const left = Math.max(0, limit - total);
  const granted = left < need ? 0 : Math.min(want, left);
  return { granted, total: total + granted };
}

/** At this number of keys, the store looks for expired ones. */
const SWEEP = 1024;

/** A store in memory, for tests and for several gates in one process. `now` returns the time in seconds since 1970. */
export function memoryStore(now = seconds): Store {
  const cells = new Map<string, Cell>();
  let sweepAt = SWEEP;
  return {
    lease(key, want, limit, until, need) {
      if (cells.size >= sweepAt) {
        const time = now();
        for (const [key, { until = Infinity }] of cells) if (until <= time) cells.delete(key);
        sweepAt = Math.max(SWEEP, 2 * cells.size);
      }
      const leased = take(cells.get(key) ?? { total: 0 }, want, limit, need);
      if (leased.granted > 0) cells.set(key, { total: leased.total, until });
      return leased;
    },
    release(key, units) {
      const cell = cells.get(key);
      if (cell !== undefined) cell.total = Math.max(0, cell.total - units);
    },
  };
}

/** The part of a Durable Object's storage that is used here. */
interface Storage {
  get<T>(key: string): Promise<T | undefined>;
  put(key: string, value: unknown): Promise<void>;
  delete(keys: string[]): Promise<unknown>;
  list<T>(options: { limit: number; startAfter?: string }): Promise<Map<string, T>>;
  getAlarm(): Promise<number | null>;
  setAlarm(time: number): Promise<void>;
}

/** The part of a Durable Object's state that is used here. */
interface ObjectState {
  storage: Storage;
}

/** The largest number of keys in one call to a Durable Object's storage. */
const PAGE = 128;

/** The Durable Object that counts shared quotas: export it from the worker, under the name of its binding. */
export class LicentiaQuota {
  /** By which Cloudflare's types know a Durable Object. */
  declare readonly __DURABLE_OBJECT_BRAND: never;
  readonly #storage: Storage;

  constructor(state: ObjectState, _env?: unknown) {
    this.#storage = state.storage;
  }

  async fetch(request: Request): Promise<Response> {
    const { release, key, want, limit, until, need } = (await request.json()) as {
      release?: boolean; key: string; want: number; limit: number; until?: number; need: number;
    };
    // The object's input gate is closed between reading and writing, so no other request comes in between.
    const cell = (await this.#storage.get<Cell>(key)) ?? (await this.#storage.get<Cell>(former(key)));
    if (release === true) {
      // Units that come back after the key was deleted must not create it again: it would stay for ever.
      const total = Math.max(0, (cell?.total ?? 0) - want);
      if (cell !== undefined) await this.#storage.put(key, { ...cell, total });
      return Response.json({ granted: 0, total });
    }
    const leased = take(cell ?? { total: 0 }, want, limit, need);
    if (leased.granted > 0) {
      await this.#storage.put(key, { total: leased.total, until });
      if (until !== undefined && cell === undefined) await this.#wake(until);
    }
    return Response.json(leased);
  }

  /** Sets the alarm, unless an earlier one is set. */
  async #wake(until: number): Promise<void> {
    const set = await this.#storage.getAlarm();
    if (set === null || until * 1000 < set) await this.#storage.setAlarm(until * 1000);
  }

  /** Deletes expired keys. */
  async alarm(): Promise<void> {
    const now = seconds();
    let next = Infinity;
    let startAfter: string | undefined;
    for (;;) {
      const page = await this.#storage.list<Cell>({ limit: PAGE, ...(startAfter !== undefined && { startAfter }) });
      const ended: string[] = [];
      for (const [key, { until = Infinity }] of page) {
        if (until <= now) ended.push(key);
        else next = Math.min(next, until);
        startAfter = key;
      }
      if (ended.length > 0) await this.#storage.delete(ended);
      if (page.size < PAGE) break;
    }
    if (Number.isFinite(next)) await this.#wake(next);
  }
}

/** The part of a Durable Object's namespace that is used here. */
interface Namespace {
  idFromName(name: string): unknown;
  get(id: never): { fetch(url: string, init: RequestInit): Promise<Response> };
}

/** Shares quotas exactly, in Durable Objects: one for each licence. */
export function durableObjectStore(namespace: Namespace): Store {
  async function ask(key: string, body: unknown): Promise<Leased> {
    // The part in braces is the lineage.
    const id = namespace.idFromName(/\{(.*)\}/.exec(key)?.[1] ?? key);
    const init = { method: "POST", body: JSON.stringify(body) };
    return json(await namespace.get(id as never).fetch("https://licentia.internal/", init));
  }
  return {
    lease: (key, want, limit, until, need) => ask(key, { key, want, limit, until, need }),
    async release(key, units) {
      await ask(key, { release: true, key, want: units, limit: 0 });
    },
  };
}

async function json<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`the store answered ${response.status}`);
  return (await response.json()) as T;
}

/** The part of a Workers KV namespace that is used here. */
interface KeyValue {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options?: { expiration?: number }): Promise<void>;
}

/**
 * Shares quotas approximately, in Workers KV. KV cannot count atomically, and a write takes a minute or more to become
 * visible everywhere, so two workers may be granted the same units. Use a Durable Object if that matters.
 */
export function kvStore(namespace: KeyValue): Store {
  return {
    async lease(key, want, limit, until, need) {
      const total = (await namespace.get(key)) ?? (await namespace.get(former(key))) ?? 0;
      const leased = take({ total: Number(total) }, want, limit, need);
      if (leased.granted > 0) await namespace.put(key, String(leased.total), expiration(until));
      return leased;
    },
  };
}

function expiration(until: number | undefined): { expiration?: number } {
  // KV refuses an expiration that is less than a minute away.
  return until === undefined ? {} : { expiration: Math.max(until, Math.floor(seconds()) + 61) };
}

/** Runs a script. */
type Evaluate = (script: string, keys: string[], values: string[]) => Promise<unknown>;

/** Uses the scripts and the keys of the Rust library, so that both can count one quota on one server. */
function redisLike(evaluate: Evaluate): Store {
  return {
    async lease(key, want, limit, until = 0, need) {
      const answer = await evaluate(lease, [key, former(key)], [need, want, limit, until].map(String));
      const [granted, total] = answer as [number | string, number | string];
      return { granted: Number(granted), total: Number(total) };
    },
    async release(key, units) {
      await evaluate(giveBack, [key], [String(units)]);
    },
  };
}

/** Shares quotas in Redis over its REST interface, as Upstash has it. */
export function redisRestStore(options: { url: string; token: string }): Store {
  const { url, token } = options;
  return redisLike(async (script, keys, values) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(["EVAL", script, String(keys.length), ...keys, ...values]),
    });
    return (await json<{ result: unknown }>(response)).result;
  });
}

/** The part of a node-redis client that is used here. */
interface RedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** Shares quotas in Redis through a connected client of node-redis. */
export function redisStore(client: RedisClient): Store {
  return redisLike((script, keys, values) => client.eval(script, { keys, arguments: values }));
}
