// Kernel memory that was allocated and not freed, in Java: ./skep jshell memleak.jsh [SECONDS]
record Site(Comparable<Object> address, Object name) {}

@SuppressWarnings("unchecked")
Site site(Object pair) { return new Site((Comparable<Object>) ((List<?>) pair).get(0), ((List<?>) pair).get(1)); }

void print(String column, Map<Site, Long> values) {
    values.entrySet().stream()
            .sorted(Map.Entry.<Site, Long>comparingByValue().thenComparing(entry -> entry.getKey().address()))
            .forEach(e -> System.out.printf("@%s[%s, %s]: %d%n", column, e.getKey().address(), e.getKey().name(), e.getValue()));
}

var script = """
    tracepoint:kmem:kmalloc, tracepoint:kmem:kmem_cache_alloc {
      @size[args.ptr] = (uint64)args.bytes_alloc;
      @site[args.ptr] = (args.call_site, ksym(args.call_site));
    }
    tracepoint:kmem:kfree, tracepoint:kmem:kmem_cache_free { delete(@size, args.ptr); delete(@site, args.ptr); }""";
var left = trace(script, seconds());
var sites = left.map("@site").asMap();
var bySite = left.map("@size").stream().collect(Collectors.groupingBy(
        entry -> site(sites.get(entry.key())), Collectors.summarizingLong(TraceMap.Entry::asLong)));
print("allocations", bySite.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().getCount())));
print("bytes", bySite.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().getSum())));
/exit
