// Each TCP connection that ends, in Java: ./skep jshell tcplife.jsh [SECONDS]
// The kernel reports changes of state; lives are put together here.
record Owner(Object pid, Object comm) {}

var script = """
    tracepoint:sock:inet_sock_set_state /args.protocol == 6/ {
      $tp = (struct tcp_sock *)args.skaddr;
      print((args.skaddr, args.newstate, nsecs, pid, comm, ntop(args.family, args.saddr), args.sport,
          ntop(args.family, args.daddr), args.dport, $tp->bytes_acked, $tp->bytes_received));
    }""";
var birth = new HashMap<Object, Long>();
var owner = new HashMap<Object, Owner>();
long number(Object value) { return ((Number) value).longValue(); }
System.out.printf("%-7s %-16s %-15s %-5s %-15s %-5s %6s %6s %s%n",
        "PID", "COMM", "LADDR", "LPORT", "RADDR", "RPORT", "TX_KB", "RX_KB", "MS");
try (var trace = start(script, seconds()); var events = trace.events()) {
    events.filter(event -> event.kind().equals("print")).forEach(event -> {
        var row = (List<?>) event.value().orElseThrow();
        var sock = row.get(0);
        long state = number(row.get(1)), now = number(row.get(2));
        if (state < 4) birth.put(sock, now);
        if (state == 2 || state == 9) owner.put(sock, new Owner(row.get(3), row.get(4)));
        if (state == 7 && birth.containsKey(sock)) {
            var who = Optional.ofNullable(owner.remove(sock)).orElse(new Owner(row.get(3), row.get(4)));
            System.out.printf("%-7d %-16s %-15s %-5d %-15s %-5d %6d %6d %d%n", who.pid(), who.comm(), row.get(5), row.get(6),
                    row.get(7), row.get(8), number(row.get(9)) / 1024, number(row.get(10)) / 1024,
                    (now - birth.remove(sock)) / 1000000);
        }
    });
}
/exit
