/* In the manner of libbpf: sections, maps as structures, reads that follow the types of the running kernel. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, u32);
    __type(value, u64);
} reads SEC(".maps");

SEC("kprobe/vfs_read")
int BPF_KPROBE(on_read, struct file *file, char *buf, size_t count)
{
    u32 mode = BPF_CORE_READ(file, f_inode, i_mode);
    u32 kind = mode >> 12;
    u64 one = 1, *sum = bpf_map_lookup_elem(&reads, &kind);

    if (sum)
        __sync_fetch_and_add(sum, 1);
    else
        bpf_map_update_elem(&reads, &kind, &one, BPF_ANY);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
