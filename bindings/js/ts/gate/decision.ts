import { instance, LicentiaError } from "../error.js";
import { charge, decision as place, decision_bit, needs, state } from "../generated/port.js";
import type { License } from "../license.js";
import type { Raw } from "../module/port.js";
import type { Packed } from "./request.js";

/** The state in which a licence grants a request. */
export type State = "active" | "grace" | "overage" | "advisory";

/** A check that ran. */
export interface Step {
  readonly check: string;
  readonly code: number;
  readonly result: string;
  readonly [fact: string]: unknown;
}

/** The charge of a rate or meter, and what is left of it. */
export interface Charge {
  readonly name: string;
  readonly unit: "rate" | "quota";
  readonly cost: number;
  readonly limit: number;
  /** Length of the window in seconds; `undefined` if the length of the period varies. */
  readonly window: number | undefined;
  readonly remaining: number;
  readonly resetMs: number | undefined;
}

/** A row of the table of codes. */
export interface Code {
  readonly number: number;
  readonly name: string;
  readonly message: string;
  readonly advice: string;
}

/** The answer of a gate to a request: whether it may proceed, and why. */
export interface Decision {
  /** Whether the request may proceed. */
  readonly allowed: boolean;
  /** Number of the code, the same in every language. 0 is `allowed`. */
  readonly code: number;
  /** Name of the code. */
  readonly name: string;
  /** The state in which the licence grants it; `undefined` if it is refused. */
  readonly state: State | undefined;
  /** Name of the code of a doubt that the licence's policy passed over. */
  readonly warning: string | undefined;
  /** The licence, if its signature is good, whether or not the request is allowed. */
  readonly license: License | undefined;
  /** The rates and meters of the request, with what is left of each. */
  readonly charges: readonly Charge[];
  /** Milliseconds until the same request may succeed, if waiting helps. */
  readonly retryAfterMs: number | undefined;
  /** Every check that ran. A plain yes has it only if the request sets `explain`. */
  readonly explanation: readonly Step[] | undefined;
  /** Status code of the HTTP response; 200 if the request may proceed. */
  readonly status: number;
  /** `WWW-Authenticate`, `Retry-After`, `RateLimit-Policy` and `RateLimit`. */
  headers(): Record<string, string>;
  /** The response to a denied request; its body is problem details (RFC 9457). */
  refusal(): Refusal;
  /** Throws a {@link DeniedError} if the request is denied. */
  raiseForDenied(): void;
  toJSON(): unknown;
}

/** The HTTP response to a denied request. */
export interface Refusal {
  status: number;
  /** The fields of {@link Decision.headers}, and the body's type. */
  headers: Record<string, string>;
  body: string;
}

const DENIED_ERROR = Symbol.for("licentia.DeniedError");

/** A denial that {@link Decision.raiseForDenied} threw. */
export class DeniedError extends LicentiaError {
  readonly decision: Decision;

  constructor(decision: Decision) {
    super(decision.code, decision.name, "the request was denied");
    this.name = "DeniedError";
    this.decision = decision;
  }

  get [DENIED_ERROR](): true {
    return true;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return instance(this, value, DENIED_ERROR);
  }
}

const STATES: Readonly<Record<number, State>> = {
  [state.ACTIVE]: "active", [state.GRACE]: "grace", [state.OVERAGE]: "overage", [state.ADVISORY]: "advisory",
};
const NO_CHARGES: readonly Charge[] = Object.freeze([]);

/** Calls the module that made a decision. */
export type Use = <R>(use: (raw: Raw) => R) => R;

const tables = new WeakMap<Use, ReadonlyMap<number, Code>>();

/** The table of codes. */
export function table(use: Use): ReadonlyMap<number, Code> {
  let found = tables.get(use);
  if (found === undefined) {
    const rows = JSON.parse(use((raw) => raw.codes())) as Code[];
    found = new Map(rows.map((row) => [row.number, Object.freeze(row)]));
    tables.set(use, found);
  }
  return found;
}

function some(value: number | undefined): number | undefined {
  return value === undefined || value < 0 ? undefined : value;
}

/** The decision of a gate, unpacked on access. The token is in a private field, where no log finds it. */
export class GateDecision implements Decision {
  readonly allowed: boolean;
  readonly code: number;
  readonly #answer: Float64Array;
  readonly #told: string | undefined;
  readonly #token: string;
  readonly #packed: Packed;
  readonly #use: Use;
  #explanation: readonly Step[] | undefined;
  #license: License | undefined;

  constructor(answer: Float64Array, told: string | undefined, token: string, packed: Packed, use: Use) {
    this.allowed = ((answer[place.BITS] ?? 0) & decision_bit.ALLOWED) !== 0;
    this.code = answer[place.CODE] ?? 0;
    this.#answer = answer;
    this.#told = told;
    this.#token = token;
    this.#packed = packed;
    this.#use = use;
  }

  get name(): string {
    return table(this.#use).get(this.code)?.name ?? "";
  }

  get state(): State | undefined {
    return this.allowed ? STATES[this.#answer[place.STATE] ?? state.ACTIVE] : undefined;
  }

  get warning(): string | undefined {
    const code = some(this.#answer[place.WARNING]);
    return code === undefined ? undefined : table(this.#use).get(code)?.name;
  }

  get license(): License | undefined {
    if (((this.#answer[place.BITS] ?? 0) & decision_bit.AUTHENTIC) === 0) return undefined;
    return (this.#license ??= JSON.parse(this.#use((raw) => raw.inspect(this.#token))) as License);
  }

  get charges(): readonly Charge[] {
    const answer = this.#answer;
    if (answer.length <= place.CHARGES) return NO_CHARGES;
    const { names, numbers, rates } = this.#packed;
    const charges: Charge[] = [];
    for (let start = place.CHARGES; start < answer.length; start += charge.LENGTH) {
      const index = answer[start + charge.INDEX] ?? 0;
      charges.push({
        name: names[index] ?? "", unit: index < rates ? "rate" : "quota", cost: numbers[needs.COSTS + index] ?? 0,
        limit: answer[start + charge.LIMIT] ?? 0, window: some(answer[start + charge.WINDOW]),
        remaining: answer[start + charge.REMAINING] ?? 0, resetMs: some(answer[start + charge.RESET_MS]),
      });
    }
    return charges;
  }

  get retryAfterMs(): number | undefined {
    return some(this.#answer[place.RETRY_AFTER_MS]);
  }

  get explanation(): readonly Step[] | undefined {
    if (this.#told === undefined) return undefined;
    return (this.#explanation ??= JSON.parse(this.#told) as readonly Step[]);
  }

  get status(): number {
    return this.#use((raw) => raw.httpStatus(this.code, this.allowed));
  }

  #fields(): string[] {
    const { names } = this.#packed;
    const fields = this.#use((raw) => raw.httpFields(
      this.code, this.allowed, this.#answer[place.RETRY_AFTER_MS] ?? -1, names.join("\0"), this.#answer.subarray(place.CHARGES),
    ));
    return fields.split("\0");
  }

  headers(): Record<string, string> {
    return headers(this.#fields().slice(0, -2));
  }

  refusal(): Refusal {
    const fields = this.#fields();
    const [type = "", body = ""] = fields.splice(-2);
    return { status: this.status, headers: { ...headers(fields), "content-type": type }, body };
  }

  raiseForDenied(): void {
    if (!this.allowed) throw new DeniedError(this);
  }

  toJSON(): unknown {
    const { allowed, code, name, state, warning, license, charges, retryAfterMs, explanation } = this;
    return {
      allowed, code, name, state: state ?? null, warning: warning ?? null, license: license ?? null,
      charges: charges.map(({ name, unit, cost, limit, remaining, resetMs }) => (
        { name, unit, cost, limit, remaining, reset_ms: resetMs ?? null }
      )),
      retry_after_ms: retryAfterMs ?? null, explanation: explanation ?? null,
    };
  }

  /** For `console.log` in Node and Bun. */
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return this.toJSON();
  }

  /** For `console.log` in Deno. */
  [Symbol.for("Deno.customInspect")](inspect: (value: unknown) => string): string {
    return inspect(this.toJSON());
  }
}

/** Names and values in turn, as an object. */
function headers(fields: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < fields.length; at += 2) headers[fields[at] ?? ""] = fields[at + 1] ?? "";
  return headers;
}

/** The verdict on one token: the part of a decision that needs no gate. */
export type Verdict = Pick<Decision, "allowed" | "code" | "name" | "state" | "warning" | "license"> & {
  readonly explanation: readonly Step[];
};

/** Makes a verdict from its code and the texts that belong to it. */
export function verdict(code: number, told: string): Verdict {
  const [name = "", state = "", warning = "", license = "", explanation = ""] = told.split("\0");
  return {
    allowed: code === 0, code, name, state: state === "" ? undefined : state as State, warning: warning === "" ? undefined : warning,
    license: license === "" ? undefined : JSON.parse(license) as License,
    explanation: JSON.parse(explanation) as readonly Step[],
  };
}
