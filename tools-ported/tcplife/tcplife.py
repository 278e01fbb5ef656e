"""Each TCP connection that ends, in Python: ./skep py tcplife.py [SECONDS]

The kernel reports changes of state; lives are put together here.
"""
import sys

import skep

SCRIPT = """
tracepoint:sock:inet_sock_set_state /args.protocol == 6/ {
  $tp = (struct tcp_sock *)args.skaddr;
  print((args.skaddr, args.newstate, nsecs, pid, comm, ntop(args.family, args.saddr), args.sport,
      ntop(args.family, args.daddr), args.dport, $tp->bytes_acked, $tp->bytes_received));
}
"""
SYN_SENT, CLOSE, LAST_ACK = 2, 7, 9

options = {"duration": float(sys.argv[1])} if len(sys.argv) > 1 else {}
print("%-7s %-16s %-15s %-5s %-15s %-5s %6s %6s %s"
      % ("PID", "COMM", "LADDR", "LPORT", "RADDR", "RPORT", "TX_KB", "RX_KB", "MS"))
birth, owner = {}, {}
with skep.start(SCRIPT, **options) as trace:
    for event in trace:
        if event.kind != "print":
            continue
        sock, state, now, pid, comm, laddr, lport, raddr, rport, sent, received = event.value
        if state < 4:
            birth[sock] = now
        if state in (SYN_SENT, LAST_ACK):
            owner[sock] = pid, comm
        if state == CLOSE and sock in birth:
            pid, comm = owner.pop(sock, (pid, comm))
            print("%-7d %-16s %-15s %-5d %-15s %-5d %6d %6d %d"
                  % (pid, comm, laddr, lport, raddr, rport, sent // 1024, received // 1024,
                     (now - birth.pop(sock)) // 1000000))
