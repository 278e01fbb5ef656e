// Kernel memory that was allocated and not freed, in JavaScript: ./skep js memleak.mjs [SECONDS]
import {trace, argv} from 'skep';

const t = await trace(`
tracepoint:kmem:kmalloc, tracepoint:kmem:kmem_cache_alloc {
  @size[args.ptr] = (uint64)args.bytes_alloc;
  @site[args.ptr] = (args.call_site, ksym(args.call_site));
}
tracepoint:kmem:kfree, tracepoint:kmem:kmem_cache_free { delete(@size, args.ptr); delete(@site, args.ptr); }`,
argv.length > 0 ? {duration: Number(argv[0])} : {});

const bytes = new Map(), allocations = new Map(), address = new Map();
const site = t.map('@site');
for (const [at, size] of t.map('@size')) {
  const [place, name] = site.get(at);
  const key = `${place}, ${name}`;
  bytes.set(key, (bytes.get(key) ?? 0) + size);
  allocations.set(key, (allocations.get(key) ?? 0) + 1);
  address.set(key, BigInt(place));
}
for (const [column, values] of [['allocations', allocations], ['bytes', bytes]])
  for (const [key, value] of [...values].sort(([a, x], [b, y]) => x - y || (address.get(a) < address.get(b) ? -1 : 1)))
    console.log(`@${column}[${key}]: ${value}`);
