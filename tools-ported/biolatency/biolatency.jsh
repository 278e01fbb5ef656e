// How long requests to block devices take, in Java: ./skep jshell biolatency.jsh [SECONDS]
var script = """
    tracepoint:block:block_rq_issue { @issued[args.dev, args.sector] = nsecs; }
    tracepoint:block:block_rq_complete /@issued[args.dev, args.sector]/ {
      @usecs = hist((nsecs - @issued[args.dev, args.sector]) / 1000);
      delete(@issued, (args.dev, args.sector));
    }""";
System.out.println(trace(script, seconds()).map("@usecs"));
/exit
