"""TCP states and flags by name."""
tcpstate = dict(enumerate((
    "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING "
    "NEW_SYN_RECV").split(), 1))
_FLAGS = (("F", "FIN", 1), ("S", "SYN", 2), ("R", "RST", 4), ("P", "PSH", 8), ("A", "ACK", 16), ("U", "URG", 32),
          ("E", "ECE", 64), ("C", "CWR", 128))


def state2str(state):
    return tcpstate.get(state, str(state))


def flags2str(flags):
    """The names of the flags that are set, joined by |."""
    return "|".join(name for _, name, bit in _FLAGS if flags & bit)
