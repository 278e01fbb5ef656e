// Each TCP connection that ends, in JavaScript: ./skep js tcplife.mjs [SECONDS]
// The kernel reports changes of state; lives are put together here.
import {start, argv} from 'skep';

const script = `
tracepoint:sock:inet_sock_set_state /args.protocol == 6/ {
  $tp = (struct tcp_sock *)args.skaddr;
  print((args.skaddr, args.newstate, nsecs, pid, comm, ntop(args.family, args.saddr), args.sport,
      ntop(args.family, args.daddr), args.dport, $tp->bytes_acked, $tp->bytes_received));
}`;
const SYN_SENT = 2, CLOSE = 7, LAST_ACK = 9;

const widths = [7, 16, 15, 5, 15, 5, -6, -6, 0];
const row = (...cells) => console.log(cells.map((cell, i) =>
  widths[i] < 0 ? String(cell).padStart(-widths[i]) : String(cell).padEnd(widths[i])).join(' '));

row('PID', 'COMM', 'LADDR', 'LPORT', 'RADDR', 'RPORT', 'TX_KB', 'RX_KB', 'MS');
const birth = new Map(), owner = new Map();
for await (const event of start(script, argv.length > 0 ? {duration: Number(argv[0])} : {})) {
  if (event.kind !== 'print') continue;
  const [sock, state, now, pid, comm, laddr, lport, raddr, rport, sent, received] = event.value;
  if (state < 4) birth.set(sock, now);
  if (state === SYN_SENT || state === LAST_ACK) owner.set(sock, [pid, comm]);
  if (state === CLOSE && birth.has(sock)) {
    const [who, name] = owner.get(sock) ?? [pid, comm];
    row(who, name, laddr, lport, raddr, rport, Math.floor(sent / 1024), Math.floor(received / 1024),
      Math.floor((now - birth.get(sock)) / 1e6));
    birth.delete(sock);
    owner.delete(sock);
  }
}
