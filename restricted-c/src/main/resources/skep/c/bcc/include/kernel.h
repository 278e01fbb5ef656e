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
