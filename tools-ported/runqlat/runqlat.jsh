// How long threads wait for a CPU once they could run, in Java: ./skep jshell runqlat.jsh [SECONDS]
var script = """
    tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @queued[args.pid] = nsecs; }
    tracepoint:sched:sched_switch {
      if (args.prev_pid && (args.prev_state & 255) == 0) { @queued[args.prev_pid] = nsecs; }
      $since = @queued[args.next_pid];
      if ($since) {
        @usecs = hist((nsecs - $since) / 1000);
        delete(@queued, args.next_pid);
      }
    }""";
System.out.println(trace(script, seconds()).map("@usecs"));
/exit
