"""Filters by the container that a task is in: C text that tools put into their programs.

Which containers are wanted stands in pinned tables, keyed by cgroup id or by the number of the mount namespace.
"""

_NOT_FILTERED = """
static inline int _%(what)s_filter() {
    return 0;
}
"""

_CGROUP = """
BPF_TABLE_PINNED("hash", u64, u64, cgroupset, 1024, "%s");
static inline int _cgroup_filter() {
    u64 skep_cgroup = bpf_get_current_cgroup_id();
    return cgroupset.lookup(&skep_cgroup) == NULL;
}
"""

_MNTNS = """
#include <linux/nsproxy.h>
#include <linux/mount.h>
#include <linux/ns_common.h>
BPF_TABLE_PINNED("hash", u64, u32, mount_ns_set, 1024, "%s");
struct mnt_namespace {
    %s
    struct ns_common ns;
};
static inline int _mntns_filter() {
    struct task_struct *skep_task = (struct task_struct *)bpf_get_current_task();
    u64 skep_number = skep_task->nsproxy->mnt_ns->ns.inum;
    return mount_ns_set.lookup(&skep_number) == NULL;
}
"""

_FILTER = """
static inline int container_should_be_filtered() {
    return _cgroup_filter() || _mntns_filter();
}
"""


def filter_by_containers(args):
    """The function container_should_be_filtered() for the options --cgroupmap and --mntnsmap."""
    parts = []
    cgroups, namespaces = getattr(args, "cgroupmap", None), getattr(args, "mntnsmap", None)
    parts.append(_CGROUP % cgroups if cgroups else _NOT_FILTERED % {"what": "cgroup"})
    if namespaces:
        from . import BPF
        # The namespace is private to fs/mount.h: types of the kernel know it, headers do not.
        text = _MNTNS % (namespaces, "")
        if BPF.kernel_struct_has_field(b"mnt_namespace", b"ns") == 1:
            start = text.index("struct mnt_namespace {")
            text = text[:start] + text[text.index("static inline", start):]
        parts.append(text)
    else:
        parts.append(_NOT_FILTERED % {"what": "mntns"})
    parts.append(_FILTER)
    return "".join(parts)
