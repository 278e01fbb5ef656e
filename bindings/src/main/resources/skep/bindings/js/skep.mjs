// The module `skep`: traces of a kernel as JavaScript sees them.
//
//   import {trace, start, probes, target} from 'skep';
//   const t = await trace('kprobe:vfs_read { @[comm] = hist(arg2); }', {duration: 3});
//   for (const [comm, sizes] of t.map('@')) console.log(comm, sizes.p99);
//
//   for await (const event of start('kprobe:vfs_read { print((pid, comm)); }', {duration: 1})) console.log(event.value);

const host = globalThis.skepBridge;

/** A histogram: `buckets` of {low, high, count}, `samples`, and percentiles interpolated within a bucket. */
export class Histogram {
  #trace; #handle;
  constructor(trace, handle, samples, buckets) {
    this.#trace = trace;
    this.#handle = handle;
    this.samples = samples;
    this.buckets = buckets.map(([low, high, count]) => ({low, high, count}));
  }
  percentile(percent) { return this.#trace.percentile(this.#handle, percent); }
  get p50() { return this.percentile(50); }
  get p90() { return this.percentile(90); }
  get p99() { return this.percentile(99); }
  toString() { return this.#trace.histogramText(this.#handle); }
}

function reviver(trace) {
  return (key, value) => {
    if (value === null || typeof value !== 'object') return value;
    if ('$n' in value) return BigInt(value.$n);
    if ('$b' in value) return Uint8Array.from(value.$b.match(/../g) ?? [], pair => parseInt(pair, 16));
    if ('$h' in value) return new Histogram(trace, value.$h, value.samples, value.buckets);
    return value;
  };
}

/** One run of a script. Iterate over it (`for await`) for its events. */
export class Trace {
  #own;
  constructor(script, options = {}) { this.#own = host.prepare(String(script), options); }

  /** Calls back for each event of a kind ('printf', 'print', 'map', …; 'event' for all); before `run`. */
  on(kind, callback) {
    const revive = reviver(this.#own);
    this.#own.on(kind, text => callback(JSON.parse(text, revive)));
    return this;
  }
  run() { this.status = this.#own.run(); return this; }
  start() { this.#own.start(); return this; }
  stop() { this.#own.stop(); return this; }
  wait() { this.status = this.#own.await(); return this; }
  get ended() { return this.#own.ended(); }
  get output() { return this.#own.output(); }
  get lost() { return this.#own.lost(); }
  get dropped() { return this.#own.dropped(); }
  get mapNames() { const names = this.#own.mapNames(); return names === '' ? [] : names.split('\n'); }

  /** A map as a Map, in the order in which it is printed; a key of several parts is joined by commas. */
  map(name) {
    const entries = JSON.parse(this.#own.entries(name), reviver(this.#own));
    return new Map(entries.map(([key, value]) => [Array.isArray(key) ? key.join(',') : key, value]));
  }
  /** The same as rows of [key, value], keys of several parts being arrays. */
  rows(name) { return JSON.parse(this.#own.entries(name), reviver(this.#own)); }
  /** The value of a map without keys. */
  value(name) { return this.rows(name)[0]?.[1]; }
  histogram(name) { return this.value(name); }
  show(name) { return this.#own.show(name); }

  *[Symbol.iterator]() {
    const revive = reviver(this.#own);
    for (let text = this.#own.nextEvent(); text !== null; text = this.#own.nextEvent()) yield JSON.parse(text, revive);
  }
  async *[Symbol.asyncIterator]() { yield* this[Symbol.iterator](); }
  close() { this.#own.close(); }
  [Symbol.dispose]() { this.close(); }
}

/**
 * Runs a script to its end and returns the trace.
 * Options: duration (seconds), target, command, pid, args, name.
 */
export function trace(script, options = {}) { return new Trace(script, options).run(); }

/** Runs a script in the background. */
export function start(script, options = {}) { return new Trace(script, options).start(); }

/** The names of probes that match a pattern. */
export function probes(pattern) { const found = host.probes(pattern); return found === '' ? [] : found.split('\n'); }

/** What is traced unless a trace says otherwise; with a spec, from now on that. */
export function target(spec) { if (spec !== undefined) host.setTarget(spec); return host.target(); }

/** Waits. */
export function sleep(millis) { host.sleep(millis); }

/** The arguments of the script. */
export const argv = [...globalThis.skepArguments];
