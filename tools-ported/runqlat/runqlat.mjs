// How long threads wait for a CPU once they could run, in JavaScript: ./skep js runqlat.mjs [SECONDS]
import {trace, argv} from 'skep';

const t = await trace(`
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @queued[args.pid] = nsecs; }
tracepoint:sched:sched_switch {
  if (args.prev_pid && (args.prev_state & 255) == 0) { @queued[args.prev_pid] = nsecs; }
  $since = @queued[args.next_pid];
  if ($since) {
    @usecs = hist((nsecs - $since) / 1000);
    delete(@queued, args.next_pid);
  }
}`, argv.length > 0 ? {duration: Number(argv[0])} : {});
console.log(t.show('@usecs'));
