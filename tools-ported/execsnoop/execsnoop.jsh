// Each program that is started, in Java: ./skep jshell execsnoop.jsh [SECONDS]
var script = """
    tracepoint:syscalls:sys_enter_execve {
      print((elapsed / 1000000, pid, ppid));
      join(args.argv);
    }""";
List<?> who = List.of();
System.out.printf("%-10s %-8s %-8s %s%n", "TIME(ms)", "PID", "PPID", "ARGS");
try (var trace = start(script, seconds()); var events = trace.events()) {
    events.forEach(event -> {
        if (event.kind().equals("print")) who = (List<?>) event.value().orElseThrow();
        if (event.kind().equals("join")) System.out.printf("%-10d %-8d %-8d %s", who.get(0), who.get(1), who.get(2), event.text());
    });
}
/exit
