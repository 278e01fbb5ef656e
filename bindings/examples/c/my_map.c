/* The kernel's side of a pair: each write of a process sends its pid and a number through a perf buffer named my_map.
 * Alone, ./skep run my_map.c shows the events; my_map.py beside it is the user's side. */
#include <linux/ptrace.h>
#include <uapi/linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(int));
    __uint(value_size, sizeof(u32));
    __uint(max_entries, 64);
} my_map SEC(".maps");

struct message {
    u64 pid;
    u64 cookie;
};

SEC("kprobe/vfs_write")
int on_write(struct pt_regs *ctx)
{
    struct message data = {
        .pid = bpf_get_current_pid_tgid() >> 32,
        .cookie = 0x12345678,
    };

    bpf_perf_event_output(ctx, &my_map, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

char _license[] SEC("license") = "GPL";
