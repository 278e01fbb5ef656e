// How long requests to block devices take, in JavaScript: ./skep js biolatency.mjs [SECONDS]
import {trace, argv} from 'skep';

const t = await trace(`
tracepoint:block:block_rq_issue { @issued[args.dev, args.sector] = nsecs; }
tracepoint:block:block_rq_complete /@issued[args.dev, args.sector]/ {
  @usecs = hist((nsecs - @issued[args.dev, args.sector]) / 1000);
  delete(@issued, (args.dev, args.sector));
}`, argv.length > 0 ? {duration: Number(argv[0])} : {});
console.log(t.show('@usecs'));
