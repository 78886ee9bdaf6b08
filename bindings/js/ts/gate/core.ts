// A gate in an instance of the module. An instance that fails is replaced.
import { type Decision, GateDecision, type Use } from "./decision.js";
import { bytes as checkedBytes, number, object, optionalFunction, optionalText, text, texts } from "../arguments.js";
import { coded, wrong } from "../error.js";
import { INTERNAL } from "../generated/codes.js";
import { decision_bit, decision as place, limit, loaded as outcome } from "../generated/port.js";
import { type Instantiate, Live } from "../module/instance.js";
import type { Raw } from "../module/port.js";
import type { GateOptions, Now } from "./options.js";
import type { About, Packed } from "./request.js";

const CLOCK = "clock.mark", KEYSET = "keyset.seen";

function system(): Now {
  return { seconds: Math.floor(Date.now() / 1000), monotonicMs: performance.now() };
}

/** The loaded keysets and bundles, in order: a new instance loads them again. */
class History {
  /** `about` is the name of the mark of a bundle's issuer. */
  #loads: { kind: "keyset" | "whole" | "delta"; bytes: Uint8Array; about?: string | undefined }[] = [];

  add(kind: "keyset" | "whole" | "delta", bytes: Uint8Array, about?: string): void {
    // A whole bundle replaces those before it of its issuer.
    const kept = this.#loads.filter((load) => kind !== "whole" || load.kind === "keyset" || load.about !== about);
    kept.push({ kind, bytes: bytes.slice(), about });
    // A keyset replaces the one before it, unless a bundle needed that one.
    this.#loads = kept.filter((load, at) => load.kind !== "keyset" || kept[at + 1]?.kind !== "keyset");
  }

  /** The keyset that a gate is made with. */
  get first(): Uint8Array | undefined {
    const first = this.#loads[0];
    return first?.kind === "keyset" ? first.bytes : undefined;
  }

  replay(gate: Raw): void {
    for (const { kind, bytes } of this.#loads) {
      if (kind === "keyset") gate.loadKeyset(bytes);
      else gate.loadRevocation(bytes);
    }
  }
}

/** Checks the types of options. */
function checkOptions(options: GateOptions): void {
  const { keys, keyset, revocation, requireRevocation, mode, marks } = options;
  if (keys !== undefined) texts(keys, "keys");
  if (keyset !== undefined) {
    const { root, bytes } = object(keyset, ["root", "bytes"], "a keyset");
    text(root, "a keyset's root");
    checkedBytes(bytes, "a keyset's bytes");
  }
  if (revocation !== undefined) checkedBytes(revocation, "a revocation bundle");
  for (const name of ["issuer", "audience"] as const) optionalText(options[name], name);
  for (const name of ["skew", "proofAge", "replayCapacity", "cacheCapacity", "prepareKeys"] as const) {
    if (options[name] !== undefined) number(options[name], name);
  }
  for (const name of ["now", "onEvent"] as const) optionalFunction(options[name], name);
  if (marks !== undefined) {
    optionalFunction(marks.load, "marks.load");
    optionalFunction(marks.save, "marks.save");
  }
  if (requireRevocation !== undefined && typeof requireRevocation !== "boolean") {
    throw wrong("requireRevocation must be true or false");
  }
  if (mode !== undefined && mode !== "enforce" && mode !== "advisory") throw wrong("mode must be enforce or advisory");
}

/** The part that local and shared gates have in common. */
export class Core {
  readonly #options: GateOptions;
  readonly #leases: boolean;
  readonly #history = new History();
  readonly #marks = new Map<string, Uint8Array>();
  readonly #live: Live<Raw>;
  /** For decisions of a gate that is closed. */
  readonly #spare: Live<Raw>;
  #built = false;
  /** Whether the gate holds counts or proofs that a new instance would not know. */
  #counted = false;
  #closed = false;
  #seconds = -1;
  #proofField: string | undefined;

  constructor(instantiate: Instantiate<Raw>, options: GateOptions, leases: boolean) {
    checkOptions(options);
    // Copies, since the caller's object may change later.
    const keyset = options.keyset && { ...options.keyset };
    this.#options = { ...options, keys: [...(options.keys ?? [])], keyset };
    this.#leases = leases;
    // The instance belongs to the gate: with the gate its memory goes, so that nothing has to be freed.
    this.#live = new Live(() => this.#build(instantiate()));
    this.#spare = new Live(instantiate);
    this.#recall(CLOCK);
    this.#recall(KEYSET);
    this.#remember();
    this.#built = true;
    if (keyset !== undefined) this.#history.add("keyset", keyset.bytes);
    if (options.revocation !== undefined) this.loadRevocation(options.revocation);
  }

  /** Calls the gate. One that has lost what it counted with its instance is closed, and does not start again from 0. */
  readonly use: Use = (call) => {
    if (this.#closed) throw coded(INTERNAL, "the gate is closed: its module failed, and lost what it had counted");
    const { failures } = this.#live;
    try {
      return this.#live.use(call);
    } finally {
      if (this.#counted && this.#live.failures > failures) this.#closed = true;
    }
  };

  /** Calls the module for a decision, also after the gate has closed. */
  readonly #show: Use = (call) => (this.#closed ? this.#spare.use(call) : this.use(call));

  /** Builds the gate: the first time from the options, later also from what was loaded since. */
  #build(raw: Raw): Raw {
    const { keys = [], keyset, mode, issuer, audience, requireRevocation, ...sizes } = this.#options;
    const { skew, proofAge, replayCapacity, cacheCapacity, prepareKeys: keyTableBytes } = sizes;
    raw.open(this.#leases);
    this.#set(raw, this.#built ? [CLOCK] : [CLOCK, KEYSET]);
    raw.changedMarks();
    raw.build(
      {
        advisory: mode === "advisory", issuer, audience, requireRevocation: requireRevocation === true,
        skew, proofAge, replayCapacity, cacheCapacity, keyTableBytes,
      },
      keys, keyset && { root: keyset.root, bytes: this.#history.first ?? keyset.bytes },
    );
    if (this.#built) {
      // Marks of an earlier process come last: with them, the gate would refuse the keyset that it is built from.
      this.#history.replay(raw);
      this.#set(raw, [...this.#marks.keys()].filter((name) => raw.mark(name) === undefined));
    }
    return raw;
  }

  #set(raw: Raw, names: readonly string[]): void {
    for (const name of names) {
      const mark = this.#marks.get(name);
      if (mark !== undefined) raw.setMark(name, mark);
    }
  }

  /** Loads a mark that an earlier process saved. */
  #recall(name: string): Uint8Array | undefined {
    const mark = this.#marks.has(name) ? undefined : this.#options.marks?.load(name);
    if (mark !== undefined) this.#marks.set(name, mark);
    return mark;
  }

  #remember(): void {
    const changed = this.use((raw) => raw.changedMarks());
    if (changed === "") return;
    for (const name of changed.split("\0")) {
      const value = this.use((raw) => raw.mark(name));
      if (value === undefined) continue;
      this.#marks.set(name, value);
      this.#options.marks?.save(name, value);
    }
  }

  now(): Now {
    return (this.#options.now ?? system)();
  }

  check(token: string, packed: Packed, about: About, now: Now): Decision {
    const { seconds, monotonicMs } = now;
    let told: string | undefined;
    const answer = this.use((raw) => {
      const answer = raw.check(token, packed.words, packed.numbers, packed.bytes, seconds, monotonicMs);
      if (((answer[place.BITS] ?? 0) & decision_bit.EXPLAINED) !== 0) told = raw.told();
      return answer;
    });
    this.#counted ||= this.#leases ? packed.countsHere : packed.counts;
    // The clock's mark changes at most once a second.
    if (this.#seconds !== seconds) {
      this.#seconds = seconds;
      this.#remember();
    }
    const decision = new GateDecision(answer, told, token, packed, this.#show);
    const { onEvent } = this.#options;
    if (onEvent !== undefined) {
      onEvent({ at: seconds, action: about.action ?? "", source: about.source ?? "", decision });
    }
    return decision;
  }

  loadKeyset(keyset: Uint8Array): boolean {
    checkedBytes(keyset, "a keyset");
    const loaded = this.use((raw) => raw.loadKeyset(keyset));
    if (loaded) this.#history.add("keyset", keyset);
    this.#remember();
    return loaded;
  }

  loadRevocation(bundle: Uint8Array): boolean {
    checkedBytes(bundle, "a bundle");
    // Each issuer's bundles have a mark of their own, which is loaded with the first bundle.
    const about = this.use((raw) => raw.bundleMark(bundle));
    const mark = about === "" ? undefined : this.#recall(about);
    if (mark !== undefined) this.use((raw) => raw.setMark(about, mark));
    const loaded = this.use((raw) => raw.loadRevocation(bundle));
    if (loaded !== outcome.UNCHANGED) this.#history.add(loaded === outcome.DELTA ? "delta" : "whole", bundle, about);
    this.#remember();
    return loaded !== outcome.UNCHANGED;
  }

  presented(header: (name: string) => string | null | undefined): { token: string; proof: string | undefined } {
    // Longer than every token, with room for the scheme: what follows is never read.
    const authorization = header("authorization")?.slice(0, 2 * limit.TOKEN_TEXT);
    const token = authorization ? this.use((raw) => raw.bearer(authorization)) : "";
    this.#proofField ??= this.use((raw) => raw.proofField(new Uint8Array(0))).split("\0", 1)[0] ?? "";
    return { token, proof: header(this.#proofField) ?? undefined };
  }
}
