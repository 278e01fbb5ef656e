// The module `skep`: traces of a kernel as JavaScript sees them.
//
//   import {trace, start, probes, target, BPF} from 'skep';
//   const t = await trace('kprobe:vfs_read { @[comm] = hist(arg2); }', {duration: 3});
//   for (const [comm, sizes] of t.map('@')) console.log(comm, sizes.p99);
//
//   for await (const event of start('kprobe:vfs_read { print((pid, comm)); }', {duration: 1})) console.log(event.value);
//
//   const b = new BPF({text: 'int hello(void *ctx) { bpf_trace_printk("hi"); return 0; }'});
//   b.attachKprobe({event: 'vfs_read', fnName: 'hello'});

const host = globalThis.skepBridge;
const skep = host.skep();

/** A histogram: `buckets` of {low, high, count}, `samples`, and percentiles interpolated within a bucket. */
export class Histogram {
  #own;
  constructor(own) {
    this.#own = own;
    this.samples = own.samples;
    this.buckets = Array.from(own, ({low, high, count}) => ({low, high, count}));
  }
  get skepOwn() { return this.#own; }
  percentile(percent) { return this.#own.percentile(percent); }
  plus(other) { return new Histogram(this.#own.plus(other.skepOwn ?? other)); }
  get mean() { return this.#own.mean; }
  get p50() { return this.percentile(50); }
  get p90() { return this.percentile(90); }
  get p99() { return this.percentile(99); }
  toString() { return this.#own.toString(); }
}

// Signs for what JSON has no form for; see JsonText.
function revive(key, value) {
  if (value === null || typeof value !== 'object') return value;
  if ('$n' in value) return BigInt(value.$n);
  if ('$b' in value) return Uint8Array.from(value.$b.match(/../g) ?? [], pair => parseInt(pair, 16));
  if ('$h' in value) return new Histogram(skep.adopt(value.$h));
  return value;
}

/** Something a script said: `kind`, `text`, and `value` for what was printed with print(). */
export class Event {
  constructor(own) {
    this.kind = own.kind;
    this.text = own.text;
    if (this.kind === 'print') this.value = JSON.parse(host.value(own), revive);
  }
}

/** One run of a script. Iterate over it (`for await`) for its events. */
export class Trace {
  #own;
  constructor(script, options = {}) { this.#own = skep.trace(String(script), options); }

  /** The trace itself, as the session's other languages see it. */
  get skepOwn() { return this.#own; }

  /** Calls back for each event of a kind ('printf', 'print', 'map', …; 'event' for all); before `run`. */
  on(kind, callback) { this.#own.on(kind, event => callback(new Event(event))); return this; }
  run() { this.#own.run(); return this; }
  start() { this.#own.start(); return this; }
  stop() { this.#own.stop(); return this; }
  wait() { this.#own.wait(); return this; }
  /** Calls back for what has come, waiting up to a time in ms; how many events. */
  poll(millis = 0) { return this.#own.poll(millis); }
  get status() { return this.#own.status; }
  get ended() { return this.#own.ended; }
  get output() { return this.#own.output; }
  get lost() { return this.#own.lost; }
  get dropped() { return this.#own.dropped; }
  get warnings() { return [...this.#own.warnings]; }
  get mapNames() { return [...this.#own.mapNames]; }

  /** A map as a Map, in the order in which it is printed; a key of several parts is joined by commas. */
  map(name) {
    return new Map(this.rows(name).map(([key, value]) => [Array.isArray(key) ? key.join(',') : key, value]));
  }
  /** The same as rows of [key, value], keys of several parts being arrays. */
  rows(name) { return JSON.parse(host.entries(this.#own, name), revive); }
  /** The value of a map without keys. */
  value(name) { return this.rows(name)[0]?.[1]; }
  histogram(name) { return this.value(name); }
  show(name) { return host.show(this.#own, name); }

  *[Symbol.iterator]() { for (const event of this.#own) yield new Event(event); }
  async *[Symbol.asyncIterator]() { yield* this[Symbol.iterator](); }
  close() { this.#own.close(); }
  [Symbol.dispose]() { this.close(); }
}

/**
 * Runs a script to its end and returns the trace.
 * Options: duration (seconds), target, command, pid, args, parameters, name, unsafe, queue, overflow.
 */
export function trace(script, options = {}) { return new Trace(script, options).run(); }

/** Runs a script in the background. */
export function start(script, options = {}) { return new Trace(script, options).start(); }

/** The names of probes that match a pattern. */
export function probes(pattern) { return [...skep.probes(pattern)]; }

/** What is traced unless a trace says otherwise; with a spec, from now on that. */
export function target(spec) { if (spec !== undefined) host.setTarget(spec); return skep.target; }

/** Waits. */
export function sleep(millis) { skep.sleep(millis); }

// --- BCC's shape ---

/** A table of a BPF program, read and written in the kernel at each access. */
export class Table {
  #own;
  constructor(own) { this.#own = own; }
  get skepOwn() { return this.#own; }
  get name() { return this.#own.name; }
  get size() { return this.rows().length; }
  rows() { return Array.from(this.#own.rows(), row => [row[0], row[1]]); }
  get(key) { return this.has(key) ? this.#own.get(key) : undefined; }
  has(key) { return this.#own.has(key); }
  set(key, value) { this.#own.set(key, value); return this; }
  delete(key) { return this.#own.delete(key); }
  clear() { this.#own.clear(); }
  keys() { return this.rows().map(row => row[0])[Symbol.iterator](); }
  values() { return this.rows().map(row => row[1])[Symbol.iterator](); }
  items() { return this.rows(); }
  entries() { return this[Symbol.iterator](); }
  forEach(callback) { for (const [key, value] of this) callback(value, key, this); }
  [Symbol.iterator]() { return this.rows()[Symbol.iterator](); }

  /** The values of a per-CPU table added up. */
  sum(key) { return [...(this.get(key) ?? [])].reduce((a, b) => a + b, 0); }

  #slots() {
    const slots = [];
    for (const [key, value] of this) slots[Number(key)] = typeof value === 'object' ? [...value].reduce((a, b) => a + b, 0) : Number(value);
    return Array.from(slots, count => count ?? 0);
  }
  /** Prints the table as a histogram of powers of two. */
  printLog2Hist(type = 'value') { print(log2Text(this.#slots(), type)); }
  /** Prints the table as a linear histogram. */
  printLinearHist(type = 'value') { print(linearText(this.#slots(), type)); }
}

const STARS = 40;
const bar = (count, most) => '*'.repeat(Math.floor(count * STARS / Math.max(1, most))).padEnd(STARS);

function shown(slots) {
  const last = slots.findLastIndex(count => count > 0);
  return {last, most: Math.max(0, ...slots)};
}

function log2Text(slots, type) {
  const {last, most} = shown(slots);
  if (last < 0) return '';
  const wide = last > 32 ? 20 : 10;
  const lines = [`${' '.repeat(wide === 10 ? 5 : 15)}${type.padEnd(wide + 9)} : count     distribution`];
  for (let slot = 1; slot <= last; slot++) {
    const low = slot === 1 ? 0n : 1n << BigInt(slot - 1), high = (1n << BigInt(slot)) - 1n;
    lines.push(`${String(low).padStart(wide)} -> ${String(high).padEnd(wide)} : ${String(slots[slot] ?? 0).padEnd(8)} |${bar(slots[slot] ?? 0, most)}|`);
  }
  return lines.join('\n');
}

function linearText(slots, type) {
  const {last, most} = shown(slots);
  if (last < 0) return '';
  const lines = [`     ${type.padEnd(13)} : count     distribution`];
  slots.slice(0, last + 1).forEach((count, slot) =>
    lines.push(`        ${String(slot).padEnd(10)} : ${String(count).padEnd(8)} |${bar(count, most)}|`));
  return lines.join('\n');
}

/**
 * A program in BCC's C. `new BPF({text, cflags, target, duration, name})` compiles it and attaches the functions whose names say
 * where: `kprobe__FUNCTION`, `TRACEPOINT_PROBE(…)`. Names are BCC's in camel case; those with underscores work too.
 */
export class BPF {
  static SOFTWARE = 1;
  static HARDWARE = 0;
  #own;
  #buffers = new Map();

  constructor(options) {
    const {text, srcFile, ...rest} = typeof options === 'string' ? {text: options} : options;
    if (text === undefined) throw new TypeError('new BPF({text}): the C text of the program is missing');
    this.#own = host.programs().compile(String(text), rest);
    for (const warning of this.#own.warnings) console.error(warning);
  }

  get skepOwn() { return this.#own; }
  get functions() { return [...this.#own.functions]; }
  get tables() { return [...this.#own.tables]; }
  get ended() { return this.#own.ended; }
  /** Records that no callback got, also when none came after them. */
  get lost() { return this.#own.lost; }

  attachKprobe(a) { return this.#own.attachKprobe(a.event, name(a), a.eventOff ?? 0); }
  attachKretprobe(a) { return this.#own.attachKretprobe(a.event, name(a)); }
  attachTracepoint(a) { return this.#own.attachTracepoint(a.tp, name(a)); }
  attachRawTracepoint(a) { return this.#own.attachRawTracepoint(a.tp, name(a)); }
  attachUprobe(a) { return this.#own.attachUprobe(a.name, a.sym, name(a), a.pid ?? -1); }
  attachUretprobe(a) { return this.#own.attachUretprobe(a.name, a.sym, name(a), a.pid ?? -1); }
  attachPerfEvent(a) {
    return this.#own.attachPerfEvent(a.evType ?? a.ev_type, a.evConfig ?? a.ev_config, name(a),
      a.samplePeriod ?? a.sample_period ?? 0, a.sampleFreq ?? a.sample_freq ?? 0);
  }
  detach(link) { return this.#own.detach(link); }

  /** A table by its name. */
  table(name) { return new Table(this.#own.table(name)); }
  getTable(name) { return this.table(name); }

  /** Calls back with (event, cpu, lost) for each record of a perf buffer, in `poll`. */
  openPerfBuffer(table, callback, {bytes} = {}) {
    if (bytes === undefined) this.#own.on(table, callback); else this.#own.on(table, callback, bytes);
    return this;
  }
  openRingBuffer(table, callback) { return this.openPerfBuffer(table, callback); }

  /** Hands over what the buffers hold, waiting for it up to a time in ms; how many records. */
  poll(millis = -1) {
    if (millis >= 0) return this.#own.poll(millis);
    while (true) {
      const count = this.#own.poll(1000);
      if (count > 0 || this.ended) return count;
    }
  }
  perfBufferPoll(millis = -1) { return this.poll(millis); }
  ringBufferPoll(millis = -1) { return this.poll(millis); }

  /** Waits in the kernel's time, which on a simulated one is not this machine's; whether it goes on. */
  sleep(seconds) { return this.#own.sleep(seconds); }

  /** The next line of bpf_trace_printk, or null. */
  traceLine() { return this.#own.traceLine(); }
  tracePrint() { for (let line; !this.ended || line; ) { line = this.traceLine(); if (line) print(line); } }

  ksym(address) { return this.#own.symbol(address) ?? '[unknown]'; }

  /** The function behind a system call on this kernel. */
  getSyscallFnname(call) { return (this.#own.machine === 'aarch64' ? '__arm64_sys_' : '__x64_sys_') + call; }

  cleanup() { this.#own.close(); }
  close() { this.#own.close(); }
  [Symbol.dispose]() { this.close(); }
}

const name = a => {
  const found = a.fnName ?? a.fn_name;
  if (found === undefined) throw new TypeError('fnName is missing: which function of the program is to be attached?');
  return found;
};

for (const method of Object.getOwnPropertyNames(BPF.prototype)) {
  const snake = method.replace(/[A-Z]/g, letter => '_' + letter.toLowerCase());
  const value = Object.getOwnPropertyDescriptor(BPF.prototype, method);
  if (snake !== method) Object.defineProperty(BPF.prototype, snake, value);
}
for (const [own, bcc] of [['printLog2Hist', 'print_log2_hist'], ['printLinearHist', 'print_linear_hist']])
  Table.prototype[bcc] = Table.prototype[own];

/** The arguments of the script. */
export const argv = [...globalThis.skepArguments];
