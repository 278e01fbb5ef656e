/* Functions and macros of kernel headers that tools use and that name types of the kernel. */

#define inet_sk(socket) ((struct inet_sock *)(socket))
#define inet_csk(socket) ((struct inet_connection_sock *)(socket))
#define inet_rsk(request) ((struct inet_request_sock *)(request))
#define inet_twsk(socket) ((struct inet_timewait_sock *)(socket))
#define tcp_sk(socket) ((struct tcp_sock *)(socket))
#define tcp_rsk(request) ((struct tcp_request_sock *)(request))
#define udp_sk(socket) ((struct udp_sock *)(socket))
#define unix_sk(socket) ((struct unix_sock *)(socket))
#define mptcp_sk(socket) ((struct mptcp_sock *)(socket))
#define tcp_hdr(skb) ((struct tcphdr *)((skb)->head + (skb)->transport_header))
#define udp_hdr(skb) ((struct udphdr *)((skb)->head + (skb)->transport_header))
#define ip_hdr(skb) ((struct iphdr *)((skb)->head + (skb)->network_header))
#define ipv6_hdr(skb) ((struct ipv6hdr *)((skb)->head + (skb)->network_header))
#define skb_get_rx_queue(skb) ((unsigned short)((skb)->queue_mapping - 1))
#define skb_rx_queue_recorded(skb) ((skb)->queue_mapping != 0)
#define sg_is_chain(sg) ((sg)->page_link & 1)
#define sg_is_last(sg) (((sg)->page_link & 2) != 0)
#define sg_chain_ptr(sg) ((struct scatterlist *)((sg)->page_link & ~3UL))
#define folio_page(folio, n) (&(folio)->page + (n))
#define file_inode(file) ((file)->f_inode)
#define d_inode(dentry) ((dentry)->d_inode)
#define sock_net(socket) ((socket)->__sk_common.skc_net.net)
#define XDP_PACKET_HEADROOM 256
#ifdef __aarch64__
#define PAGE_OFFSET 0xffff000000000000UL
#else
#define __PAGE_OFFSET_BASE 0xffff888000000000UL
#define PAGE_OFFSET 0xffff888000000000UL
#define __START_KERNEL_map 0xffffffff80000000UL
#endif

/* Constants and structures for kernels that publish no types of the subsystem: where a kernel has them, its own hold. */
enum {
    TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_CLOSE,
    TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING, TCP_NEW_SYN_RECV
};
enum { TCP_CA_Open = 0, TCP_CA_Disorder, TCP_CA_CWR, TCP_CA_Recovery, TCP_CA_Loss };
enum {
    IPPROTO_IP = 0, IPPROTO_ICMP = 1, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_IPV6 = 41, IPPROTO_ICMPV6 = 58,
    IPPROTO_SCTP = 132, IPPROTO_RAW = 255, IPPROTO_MPTCP = 262
};
enum { SOCK_STREAM = 1, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET = 10 };
enum {
    REQ_OP_READ = 0, REQ_OP_WRITE = 1, REQ_OP_FLUSH = 2, REQ_OP_DISCARD = 3, REQ_OP_SECURE_ERASE = 5,
    REQ_OP_WRITE_ZEROES = 9
};
enum { SKB_NOT_DROPPED_YET = 0, SKB_CONSUMED, SKB_DROP_REASON_NOT_SPECIFIED };
enum {
    COMPACT_NOT_SUITABLE_ZONE, COMPACT_SKIPPED, COMPACT_DEFERRED, COMPACT_NO_SUITABLE_PAGE, COMPACT_CONTINUE,
    COMPACT_COMPLETE, COMPACT_PARTIAL_SKIPPED, COMPACT_CONTENDED, COMPACT_SUCCESS
};
enum { ITER_UBUF, ITER_IOVEC, ITER_BVEC, ITER_KVEC };
enum { XDP_ABORTED = 0, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };
enum { SK_DROP = 0, SK_PASS };
enum { NR_FREE_PAGES = 0, NR_VM_ZONE_STAT_ITEMS = 11 };

struct scatterlist {
    unsigned long page_link;
    unsigned int offset;
    unsigned int length;
    unsigned long long dma_address;
    unsigned int dma_length;
};
