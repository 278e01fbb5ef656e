/* What every program finds without naming a header: macros and functions that the types of the kernel do not tell. */

#define NULL ((void *)0)
#define true 1
#define false 0
#define likely(x) (x)
#define unlikely(x) (x)
#define __always_inline inline
#define __noinline
#define noinline
#define __maybe_unused
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __weak
#define __hidden
#define __used
#define __force
#define __bitwise
#define __ksym
#define __kconfig
#define __section(x)
#define asmlinkage
#define notrace
#define SEC(name) __attribute__((section(name), used))
#define BPF_PACKET_HEADER __attribute__((packed))
#define container_of(pointer, type, member) ((type *)((char *)(pointer) - __builtin_offsetof(type, member)))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define min(a, b) ({ typeof(a) _skep_a = (a); typeof(b) _skep_b = (b); _skep_a < _skep_b ? _skep_a : _skep_b; })
#define max(a, b) ({ typeof(a) _skep_a = (a); typeof(b) _skep_b = (b); _skep_a > _skep_b ? _skep_a : _skep_b; })
#define min_t(type, a, b) ({ type _skep_a = (a); type _skep_b = (b); _skep_a < _skep_b ? _skep_a : _skep_b; })
#define max_t(type, a, b) ({ type _skep_a = (a); type _skep_b = (b); _skep_a > _skep_b ? _skep_a : _skep_b; })
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, value) ((x) = (value))
#define rcu_dereference(x) (x)
#define div_u64(a, b) ((unsigned long long)(a) / (unsigned int)(b))
#define div64_u64(a, b) ((unsigned long long)(a) / (unsigned long long)(b))
#define div64_ul(a, b) ((unsigned long long)(a) / (unsigned long)(b))
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))

/* Byte order: the machines are little-endian. */
#define ntohs(x) __builtin_bswap16(x)
#define htons(x) __builtin_bswap16(x)
#define ntohl(x) __builtin_bswap32(x)
#define htonl(x) __builtin_bswap32(x)
#define be16_to_cpu(x) __builtin_bswap16(x)
#define cpu_to_be16(x) __builtin_bswap16(x)
#define be32_to_cpu(x) __builtin_bswap32(x)
#define cpu_to_be32(x) __builtin_bswap32(x)
#define be64_to_cpu(x) __builtin_bswap64(x)
#define cpu_to_be64(x) __builtin_bswap64(x)
#define bpf_ntohs(x) __builtin_bswap16(x)
#define bpf_htons(x) __builtin_bswap16(x)
#define bpf_ntohl(x) __builtin_bswap32(x)
#define bpf_htonl(x) __builtin_bswap32(x)
#define bpf_ntohll(x) __builtin_bswap64(x)
#define bpf_htonll(x) __builtin_bswap64(x)
#define bpf_be64_to_cpu(x) __builtin_bswap64(x)
#define bpf_cpu_to_be64(x) __builtin_bswap64(x)
#define __bpf_ntohs(x) __builtin_bswap16(x)
#define __bpf_ntohl(x) __builtin_bswap32(x)

/* Numbers of Linux's interface. */
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define NAME_MAX 255
#define PATH_MAX 4096
#define TASK_COMM_LEN 16
#define IFNAMSIZ 16
#define DISK_NAME_LEN 32
#define BDEVNAME_SIZE 32
#define UINT_MAX (~0U)
#define INT_MAX ((int)(~0U >> 1))
#define ULONG_MAX (~0UL)
#define U64_MAX (~0ULL)
#define NSEC_PER_USEC 1000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_SEC 1000000000L
#define USEC_PER_SEC 1000000L
#define MSEC_PER_SEC 1000L
#define MINORBITS 20
#define MINORMASK ((1U << MINORBITS) - 1)
#define MAJOR(dev) ((unsigned int)((dev) >> MINORBITS))
#define MINOR(dev) ((unsigned int)((dev) & MINORMASK))
#define MKDEV(major, minor) (((major) << MINORBITS) | (minor))

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define E2BIG 7
#define EBADF 9
#define ECHILD 10
#define EAGAIN 11
#define EWOULDBLOCK 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22
#define ENOSPC 28
#define EROFS 30
#define EPIPE 32
#define ERANGE 34
#define ENOSYS 38
#define EPROTONOSUPPORT 93
#define EOPNOTSUPP 95
#define EADDRINUSE 98
#define ECONNREFUSED 111
#define EINPROGRESS 115

#define CAP_OPT_NONE 0x0
#define CAP_OPT_NOAUDIT 0x2
#define CAP_OPT_INSETID 0x4

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define PF_INET 2
#define PF_INET6 10
#define SCM_RIGHTS 1
#define SOL_SOCKET 1
#define ETH_P_IP 0x0800
#define ETH_P_ARP 0x0806
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88A8
#define ETH_P_IPV6 0x86DD
#define ETH_ALEN 6
#define ETH_HLEN 14
#define TC_ACT_OK 0
#define TC_ACT_RECLASSIFY 1
#define TC_ACT_SHOT 2
#define TC_ACT_PIPE 3
#define TC_ACT_STOLEN 4
#define TC_ACT_REDIRECT 7

#define O_ACCMODE 00000003
#define O_RDONLY 00000000
#define O_WRONLY 00000001
#define O_RDWR 00000002
#define O_CREAT 00000100
#define O_EXCL 00000200
#define O_TRUNC 00001000
#define O_APPEND 00002000
#define O_NONBLOCK 00004000
#define O_CLOEXEC 02000000
#define AT_FDCWD -100
#define S_IFMT 00170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISCHR(m) (((m) & S_IFMT) == S_IFCHR)
#define S_ISBLK(m) (((m) & S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m) & S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m) & S_IFMT) == S_IFSOCK)
#define FMODE_READ 1
#define FMODE_WRITE 2
#define FMODE_CREATED 0x100000

#define TASK_RUNNING 0
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define PF_KTHREAD 0x00200000
#define PF_IDLE 0x00000002
#define PF_EXITING 0x00000004
#define REQ_OP_BITS 8
#define REQ_OP_MASK 255
#define CLONE_NEWNS 0x00020000
#define CLONE_THREAD 0x00010000
#define SIGKILL 9

#define BPF_ANY 0
#define BPF_NOEXIST 1
#define BPF_EXIST 2
#define BPF_F_LOCK 4
#define BPF_F_NO_PREALLOC 1
#define BPF_F_NO_COMMON_LRU 2
#define BPF_F_NUMA_NODE 4
#define BPF_F_RDONLY 8
#define BPF_F_WRONLY 16
#define BPF_F_STACK_BUILD_ID 32
#define BPF_F_RDONLY_PROG 128
#define BPF_F_WRONLY_PROG 256
#define BPF_F_MMAPABLE 1024
#define BPF_F_SKIP_FIELD_MASK 0xffULL
#define BPF_F_USER_STACK (1ULL << 8)
#define BPF_F_FAST_STACK_CMP (1ULL << 9)
#define BPF_F_REUSE_STACKID (1ULL << 10)
#define BPF_F_USER_BUILD_ID (1ULL << 11)
#define BPF_F_INDEX_MASK 0xffffffffULL
#define BPF_F_CURRENT_CPU 0xffffffffULL
#define BPF_F_INGRESS 1
#define BPF_RB_NO_WAKEUP 1
#define BPF_RB_FORCE_WAKEUP 2
#define BPF_RB_AVAIL_DATA 0
#define BPF_RB_RING_SIZE 1
#define BPF_RB_CONS_POS 2
#define BPF_RB_PROD_POS 3
#define BPF_LOCAL_STORAGE_GET_F_CREATE 1
#define BPF_SK_STORAGE_GET_F_CREATE 1
#define BPF_MAX_STACK_DEPTH 127
#define PERF_MAX_STACK_DEPTH 127
#define BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB 4
#define BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB 5

/* Registers of a probed function. */
#ifdef __aarch64__
#define PT_REGS_PARM1(x) ((x)->regs[0])
#define PT_REGS_PARM2(x) ((x)->regs[1])
#define PT_REGS_PARM3(x) ((x)->regs[2])
#define PT_REGS_PARM4(x) ((x)->regs[3])
#define PT_REGS_PARM5(x) ((x)->regs[4])
#define PT_REGS_PARM6(x) ((x)->regs[5])
#define PT_REGS_PARM4_SYSCALL(x) ((x)->regs[3])
#define PT_REGS_RET(x) ((x)->regs[30])
#define PT_REGS_FP(x) ((x)->regs[29])
#define PT_REGS_RC(x) ((x)->regs[0])
#define PT_REGS_SP(x) ((x)->sp)
#define PT_REGS_IP(x) ((x)->pc)
#else
#define PT_REGS_PARM1(x) ((x)->di)
#define PT_REGS_PARM2(x) ((x)->si)
#define PT_REGS_PARM3(x) ((x)->dx)
#define PT_REGS_PARM4(x) ((x)->cx)
#define PT_REGS_PARM5(x) ((x)->r8)
#define PT_REGS_PARM6(x) ((x)->r9)
#define PT_REGS_PARM4_SYSCALL(x) ((x)->r10)
#define PT_REGS_RET(x) ((x)->sp)
#define PT_REGS_FP(x) ((x)->bp)
#define PT_REGS_RC(x) ((x)->ax)
#define PT_REGS_SP(x) ((x)->sp)
#define PT_REGS_IP(x) ((x)->ip)
#endif
#define PT_REGS_PARM1_CORE(x) PT_REGS_PARM1(x)
#define PT_REGS_PARM2_CORE(x) PT_REGS_PARM2(x)
#define PT_REGS_PARM3_CORE(x) PT_REGS_PARM3(x)
#define PT_REGS_PARM4_CORE(x) PT_REGS_PARM4(x)
#define PT_REGS_PARM5_CORE(x) PT_REGS_PARM5(x)
#define PT_REGS_PARM6_CORE(x) PT_REGS_PARM6(x)
#define PT_REGS_RC_CORE(x) PT_REGS_RC(x)
#define PT_REGS_IP_CORE(x) PT_REGS_IP(x)
#define PT_REGS_PARM1_SYSCALL(x) PT_REGS_PARM1(x)
#define PT_REGS_PARM2_SYSCALL(x) PT_REGS_PARM2(x)
#define PT_REGS_PARM3_SYSCALL(x) PT_REGS_PARM3(x)
#define PT_REGS_PARM5_SYSCALL(x) PT_REGS_PARM5(x)
#define PT_REGS_PARM6_SYSCALL(x) PT_REGS_PARM6(x)
#define PT_REGS_PARM1_CORE_SYSCALL(x) PT_REGS_PARM1(x)
#define PT_REGS_PARM2_CORE_SYSCALL(x) PT_REGS_PARM2(x)
#define PT_REGS_PARM3_CORE_SYSCALL(x) PT_REGS_PARM3(x)
#define PT_REGS_PARM4_CORE_SYSCALL(x) PT_REGS_PARM4_SYSCALL(x)
#define PT_REGS_PARM5_CORE_SYSCALL(x) PT_REGS_PARM5(x)
#ifdef CONFIG_ARCH_HAS_SYSCALL_WRAPPER
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#else
#define PT_REGS_SYSCALL_REGS(ctx) (ctx)
#endif

/* Probes. The attribute says where the parameters behind the context are read. */
#define TRACEPOINT_PROBE(category, event) \
    int tracepoint__##category##__##event(struct tracepoint__##category##__##event *args)
#define RAW_TRACEPOINT_PROBE(event) int raw_tracepoint__##event(struct bpf_raw_tracepoint_args *ctx)
#define KFUNC_PROBE(event, args...) \
    int __attribute__((skep_parameters("words"))) kfunc__vmlinux__##event(unsigned long long *ctx, ##args)
#define KRETFUNC_PROBE(event, args...) \
    int __attribute__((skep_parameters("words"))) kretfunc__vmlinux__##event(unsigned long long *ctx, ##args)
#define MODULE_KFUNC_PROBE(module, event, args...) \
    int __attribute__((skep_parameters("words"))) kfunc__##module##__##event(unsigned long long *ctx, ##args)
#define MODULE_KRETFUNC_PROBE(module, event, args...) \
    int __attribute__((skep_parameters("words"))) kretfunc__##module##__##event(unsigned long long *ctx, ##args)
#define KMOD_RET(event, args...) \
    int __attribute__((skep_parameters("words"))) kmod_ret__vmlinux__##event(unsigned long long *ctx, ##args)
#define LSM_PROBE(event, args...) \
    int __attribute__((skep_parameters("words"))) lsm__##event(unsigned long long *ctx, ##args)
#define BPF_ITER(target) int bpf_iter__##target(struct bpf_iter__##target *ctx)
#define BPF_PROG(name, args...) __attribute__((skep_parameters("words"))) name(unsigned long long *ctx, ##args)
#define BPF_KPROBE(name, args...) __attribute__((skep_parameters("registers"))) name(struct pt_regs *ctx, ##args)
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)
#define BPF_KRETPROBE(name, args...) __attribute__((skep_parameters("result"))) name(struct pt_regs *ctx, ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)
#define BPF_KSYSCALL(name, args...) __attribute__((skep_parameters("syscall"))) name(struct pt_regs *ctx, ##args)
#define BPF_KPROBE_SYSCALL(name, args...) BPF_KSYSCALL(name, ##args)
#define TP_PROTO(args...) args
#define TP_ARGS(args...) args

#define TP_DATA_LOC_READ_CONST(target, field, length) \
    do { \
        unsigned short _skep_at = args->data_loc_##field & 0xffff; \
        bpf_probe_read((void *)(target), (length), (char *)args + _skep_at); \
    } while (0)
#define TP_DATA_LOC_READ(target, field) \
    do { \
        unsigned short _skep_at = args->data_loc_##field & 0xffff; \
        unsigned short _skep_length = args->data_loc_##field >> 16; \
        bpf_probe_read((void *)(target), _skep_length, (char *)args + _skep_at); \
    } while (0)
#define TP_DATA_LOC_READ_STR(target, field, length) \
    do { \
        unsigned short _skep_at = args->data_loc_##field & 0xffff; \
        bpf_probe_read_str((void *)(target), (length), (char *)args + _skep_at); \
    } while (0)

/* libbpf: maps as members of a structure, reads by path. */
#define __uint(name, value) int (*name)[value]
#define __ulong(name, value) enum { ___skep_##name = value } name
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
#define ___skep_pick(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, n, ...) n
#define ___skep_count(...) ___skep_pick(0, ##__VA_ARGS__, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ___skep_join(a, b) a##b
#define ___skep_by(a, b) ___skep_join(a, b)
#define ___skep_path1(s, a) (s)->a
#define ___skep_path2(s, a, b) (s)->a->b
#define ___skep_path3(s, a, b, c) (s)->a->b->c
#define ___skep_path4(s, a, b, c, d) (s)->a->b->c->d
#define ___skep_path5(s, a, b, c, d, e) (s)->a->b->c->d->e
#define ___skep_path6(s, a, b, c, d, e, f) (s)->a->b->c->d->e->f
#define ___skep_path7(s, a, b, c, d, e, f, g) (s)->a->b->c->d->e->f->g
#define ___skep_path8(s, a, b, c, d, e, f, g, h) (s)->a->b->c->d->e->f->g->h
#define ___skep_path(s, ...) ___skep_by(___skep_path, ___skep_count(__VA_ARGS__))(s, ##__VA_ARGS__)
#define BPF_CORE_READ(s, ...) ___skep_path(s, ##__VA_ARGS__)
#define BPF_PROBE_READ(s, ...) ___skep_path(s, ##__VA_ARGS__)
#define BPF_CORE_READ_USER(s, ...) ___skep_path(s, ##__VA_ARGS__)
#define BPF_PROBE_READ_USER(s, ...) ___skep_path(s, ##__VA_ARGS__)
#define BPF_CORE_READ_INTO(target, s, ...) \
    bpf_probe_read_kernel(target, sizeof(*(target)), &(___skep_path(s, ##__VA_ARGS__)))
#define BPF_PROBE_READ_INTO(target, s, ...) BPF_CORE_READ_INTO(target, s, ##__VA_ARGS__)
#define BPF_CORE_READ_STR_INTO(target, s, ...) \
    bpf_probe_read_kernel_str(target, sizeof(*(target)), ___skep_path(s, ##__VA_ARGS__))
#define BPF_CORE_READ_BITFIELD(s, field) ((unsigned long long)((s)->field))
#define BPF_CORE_READ_BITFIELD_PROBED(s, field) ((unsigned long long)((s)->field))
#define bpf_core_read(target, size, source) bpf_probe_read_kernel(target, size, source)
#define bpf_core_read_str(target, size, source) bpf_probe_read_kernel_str(target, size, source)
#define bpf_core_read_user(target, size, source) bpf_probe_read_user(target, size, source)

/* Packets of socket programs. */
#define cursor_advance(cursor, length) ({ void *_skep_at = (cursor); (cursor) += (length); _skep_at; })

struct ethernet_t {
    unsigned long long dst : 48;
    unsigned long long src : 48;
    unsigned int type : 16;
} BPF_PACKET_HEADER;
struct dot1q_t {
    unsigned short pri : 3;
    unsigned short cfi : 1;
    unsigned short vlanid : 12;
    unsigned short type;
} BPF_PACKET_HEADER;
struct arp_t {
    unsigned short htype;
    unsigned short ptype;
    unsigned char hlen;
    unsigned char plen;
    unsigned short oper;
    unsigned long long sha : 48;
    unsigned long long spa : 32;
    unsigned long long tha : 48;
    unsigned int tpa;
} BPF_PACKET_HEADER;
struct ip_t {
    unsigned char ver : 4;
    unsigned char hlen : 4;
    unsigned char tos;
    unsigned short tlen;
    unsigned short identification;
    unsigned short ffo_unused : 1;
    unsigned short df : 1;
    unsigned short mf : 1;
    unsigned short foffset : 13;
    unsigned char ttl;
    unsigned char nextp;
    unsigned short hchecksum;
    unsigned int src;
    unsigned int dst;
} BPF_PACKET_HEADER;
struct ip6_t {
    unsigned int ver : 4;
    unsigned int priority : 8;
    unsigned int flow_label : 20;
    unsigned short payload_len;
    unsigned char next_header;
    unsigned char hop_limit;
    unsigned long long src_hi;
    unsigned long long src_lo;
    unsigned long long dst_hi;
    unsigned long long dst_lo;
} BPF_PACKET_HEADER;
struct icmp_t {
    unsigned char type;
    unsigned char code;
    unsigned short checksum;
} BPF_PACKET_HEADER;
struct icmp6_t {
    unsigned char type;
    unsigned char code;
    unsigned short checksum;
} BPF_PACKET_HEADER;
struct udp_t {
    unsigned short sport;
    unsigned short dport;
    unsigned short length;
    unsigned short crc;
} BPF_PACKET_HEADER;
struct tcp_t {
    unsigned short src_port;
    unsigned short dst_port;
    unsigned int seq_num;
    unsigned int ack_num;
    unsigned char offset : 4;
    unsigned char reserved : 4;
    unsigned char flag_cwr : 1;
    unsigned char flag_ece : 1;
    unsigned char flag_urg : 1;
    unsigned char flag_ack : 1;
    unsigned char flag_psh : 1;
    unsigned char flag_rst : 1;
    unsigned char flag_syn : 1;
    unsigned char flag_fin : 1;
    unsigned short rcv_wnd;
    unsigned short cksum;
    unsigned short urg_ptr;
} BPF_PACKET_HEADER;
struct vxlan_t {
    unsigned int rsv1 : 4;
    unsigned int iflag : 1;
    unsigned int rsv2 : 3;
    unsigned int rsv3 : 24;
    unsigned int key : 24;
    unsigned int rsv4 : 8;
} BPF_PACKET_HEADER;

/* Structures of the interface to user space that a kernel's types may lack. */
struct bpf_raw_tracepoint_args {
    unsigned long long args[12];
};
struct xdp_md {
    unsigned int data;
    unsigned int data_end;
    unsigned int data_meta;
    unsigned int ingress_ifindex;
    unsigned int rx_queue_index;
    unsigned int egress_ifindex;
};
struct bpf_perf_event_value {
    unsigned long long counter;
    unsigned long long enabled;
    unsigned long long running;
};
struct bpf_pidns_info {
    unsigned int pid;
    unsigned int tgid;
};

static inline unsigned int bpf_log2(unsigned int v)
{
    unsigned int bit = (v > 0xffff) << 4;
    unsigned int part;
    v >>= bit;
    part = (v > 0xff) << 3;
    v >>= part;
    bit |= part;
    part = (v > 0xf) << 2;
    v >>= part;
    bit |= part;
    part = (v > 0x3) << 1;
    v >>= part;
    bit |= part;
    return bit | (v >> 1);
}

static inline unsigned int bpf_log2l(unsigned long v)
{
    unsigned int high = v >> 32;
    if (high)
        return bpf_log2(high) + 33;
    return bpf_log2(v) + 1;
}
