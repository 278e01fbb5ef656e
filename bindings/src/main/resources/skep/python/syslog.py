"""Messages to the system's log, by the command logger."""
LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG = range(8)
LOG_PID, LOG_CONS, LOG_NDELAY, LOG_NOWAIT, LOG_PERROR = 1, 2, 8, 16, 32
LOG_KERN, LOG_USER, LOG_DAEMON, LOG_AUTH, LOG_SYSLOG, LOG_LOCAL0 = 0, 8, 24, 32, 40, 128
_ident = ["python"]


def openlog(ident=None, logoption=0, facility=LOG_USER):
    if ident:
        _ident[0] = ident


def syslog(priority, message=None):
    import subprocess
    if message is None:
        priority, message = LOG_INFO, priority
    subprocess.call(["logger", "-t", _ident[0], "-p", str(priority & 7), str(message)])


def closelog():
    pass


def setlogmask(mask):
    return 0xff
