// Each file that is opened, in JavaScript: ./skep js opensnoop.mjs [SECONDS]
import {start, argv} from 'skep';

const script = `
tracepoint:syscalls:sys_enter_openat { @name[tid] = args.filename; }
tracepoint:syscalls:sys_exit_openat /@name[tid]/ {
  print((pid, comm, args.ret, str(@name[tid])));
  delete(@name, tid);
}`;

const row = (pid, comm, fd, err, path) =>
  console.log(`${String(pid).padEnd(8)} ${comm.padEnd(16)} ${String(fd).padStart(4)} ${String(err).padStart(4)} ${path}`);

row('PID', 'COMM', 'FD', 'ERR', 'PATH');
for await (const event of start(script, argv.length > 0 ? {duration: Number(argv[0])} : {})) {
  if (event.kind !== 'print') continue;
  const [pid, comm, result, path] = event.value;
  row(pid, comm, Math.max(result, -1), Math.max(-result, 0), path);
}
