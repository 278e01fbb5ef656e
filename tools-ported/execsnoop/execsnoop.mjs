// Each program that is started, in JavaScript: ./skep js execsnoop.mjs [SECONDS]
import {start, argv} from 'skep';

const script = `
tracepoint:syscalls:sys_enter_execve {
  print((elapsed / 1000000, pid, ppid));
  join(args.argv);
}`;
const row = (time, pid, ppid, args) =>
  console.log(`${String(time).padEnd(10)} ${String(pid).padEnd(8)} ${String(ppid).padEnd(8)} ${args}`);

row('TIME(ms)', 'PID', 'PPID', 'ARGS');
let who = [];
for await (const event of start(script, argv.length > 0 ? {duration: Number(argv[0])} : {})) {
  if (event.kind === 'print') who = event.value;
  if (event.kind === 'join') row(...who, event.text.trimEnd());
}
