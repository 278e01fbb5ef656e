"""The group database."""
from collections import namedtuple

struct_group = namedtuple("struct_group", "gr_name gr_passwd gr_gid gr_mem")


def getgrall():
    groups = []
    with open("/etc/group") as lines:
        for line in lines:
            parts = line.rstrip("\n").split(":")
            if len(parts) == 4:
                groups.append(struct_group(parts[0], parts[1], int(parts[2]), [m for m in parts[3].split(",") if m]))
    return groups


def getgrgid(gid):
    for group in getgrall():
        if group.gr_gid == gid:
            return group
    raise KeyError("getgrgid(): gid not found: %d" % gid)


def getgrnam(name):
    for group in getgrall():
        if group.gr_name == name:
            return group
    raise KeyError("getgrnam(): name not found: %r" % name)
