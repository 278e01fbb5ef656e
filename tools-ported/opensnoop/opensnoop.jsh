// Each file that is opened, in Java: ./skep jshell opensnoop.jsh [SECONDS]
var script = """
    tracepoint:syscalls:sys_enter_openat { @name[tid] = args.filename; }
    tracepoint:syscalls:sys_exit_openat /@name[tid]/ {
      print((pid, comm, args.ret, str(@name[tid])));
      delete(@name, tid);
    }""";
System.out.printf("%-8s %-16s %4s %4s %s%n", "PID", "COMM", "FD", "ERR", "PATH");
try (var trace = start(script, seconds()); var events = trace.events()) {
    events.filter(event -> event.kind().equals("print")).forEach(event -> {
        var row = (List<?>) event.value().orElseThrow();
        long result = (Long) row.get(2);
        System.out.printf("%-8d %-16s %4d %4d %s%n",
                row.get(0), row.get(1), Math.max(result, -1), Math.max(-result, 0), row.get(3));
    });
}
/exit
