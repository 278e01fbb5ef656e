package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.Objects;

/** What processes talk through: pipes, and pairs of datagram sockets whose messages are socket buffers. */
final class Channels {
    static final int EAGAIN = 11;
    static final int EINVAL = 22;
    private static final int PIPE_BYTES = 65_536;
    /** Messages that a datagram socket queues before its sender waits. */
    private static final int MAX_DATAGRAMS = 1024;

    private final EmbeddedKernel kernel;
    private final SlabCache skbs;
    private final SlabCache skbData;
    private final SlabCache sockets;

    final Routine doPipe2;
    final Routine sysSocketpair;
    final Routine sysSendto;
    final Routine sysRecvfrom;
    private final Routine sendmsg;
    private final Routine recvmsg;
    private final Routine unixSend;
    private final Routine unixRecv;
    private final Routine waitForPackets;
    private final Routine streamActor;
    private final Routine allocSkb;
    private final Routine kmallocReserve;
    private final Routine consumeSkb;
    private final Routine releaseData;
    private final Routine freeSkbMem;
    private final Routine wakeUp;

    private final Tracepoint consumeEvent;
    private final Vfs.FileOps pipeOps;
    private final Vfs.FileOps socketOps;

    /** Bytes in flight between two ends. */
    static final class Pipe {
        int bytes;
        boolean closed;
        final WaitQueue readers = new WaitQueue();
        final WaitQueue writers = new WaitQueue();
    }

    /** One end of a socket pair: what waits to be received here. */
    static final class Socket {
        final long address;
        final ArrayDeque<Datagram> queue = new ArrayDeque<>();
        final WaitQueue readers = new WaitQueue();
        final WaitQueue writers = new WaitQueue();
        Socket peer = this;
        /** A stream of bytes, and not of messages. */
        boolean stream;

        Socket(long address) {
            this.address = address;
        }
    }

    /** A message: a socket buffer with its data. */
    static final class Datagram {
        final int bytes;
        /** Open files that come with it. */
        java.util.List<OpenFile> files = java.util.List.of();

        long skb;
        long data;

        Datagram(int bytes) {
            this.bytes = bytes;
        }
    }

    Channels(EmbeddedKernel kernel) {
        this.kernel = kernel;
        skbs = kernel.slab.cache("skbuff_head_cache", kernel.types.sizeBytes("sk_buff"));
        skbData = kernel.slab.cache("skbuff_small_head", 704);
        sockets = kernel.slab.cache("UNIX", 1088);
        consumeEvent = kernel.tracepoint(
                "skb", "consume_skb", "void *skbaddr; void *location", "struct sk_buff *skb, void *location");

        wakeUp = kernel.function(
                "int __wake_up(struct wait_queue_head *wq_head, unsigned int mode, int nr_exclusive, void *key)",
                this::wakeUp);
        doPipe2 = kernel.function("int do_pipe2(int *fildes, int flags)", this::doPipe2);
        var pipeRead = kernel.function("ssize_t pipe_read(struct kiocb *iocb, struct iov_iter *to)", this::pipeRead);
        var pipeWrite =
                kernel.function("ssize_t pipe_write(struct kiocb *iocb, struct iov_iter *from)", this::pipeWrite);
        var pipeRelease =
                kernel.function("int pipe_release(struct inode *inode, struct file *file)", this::pipeRelease);
        pipeOps = kernel.vfs.ops("pipe", "pipefifo_fops", pipeRead, pipeWrite, Routine.NONE, pipeRelease, false);

        allocSkb = kernel.function(
                "struct sk_buff *__alloc_skb(unsigned int size, gfp_t priority, int flags, int node)", this::allocSkb);
        kmallocReserve = kernel.function(
                "void *kmalloc_reserve(unsigned int *size, gfp_t flags, int node, bool *pfmemalloc)",
                this::kmallocReserve);
        consumeSkb = kernel.function("void consume_skb(struct sk_buff *skb)", this::consumeSkb);
        releaseData = kernel.function(
                "void skb_release_data(struct sk_buff *skb, enum skb_drop_reason reason)", this::releaseData);
        freeSkbMem = kernel.function("void kfree_skbmem(struct sk_buff *skb)", (task, frame) -> {
            if (frame.next() == 0) {
                kernel.slab.callFree(task, skbs, frame.a0);
            } else {
                task.ret(0);
            }
        });
        unixSend = kernel.function(
                "int unix_dgram_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)", this::unixSend);
        unixRecv = kernel.function(
                "int unix_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags)",
                this::unixRecv);
        streamActor = kernel.leaf(
                "int unix_stream_read_actor(struct sk_buff *skb, int skip, int chunk, struct unix_stream_read_state *state)",
                160);
        waitForPackets = kernel.function(
                "int __skb_wait_for_more_packets(struct sock *sk, struct sk_buff_head *queue, int *err, long *timeo_p, const struct sk_buff *skb)",
                this::waitForPackets);
        sendmsg = kernel.function("int sock_sendmsg(struct socket *sock, struct msghdr *msg)", through(unixSend));
        recvmsg = kernel.function(
                "int sock_recvmsg(struct socket *sock, struct msghdr *msg, int flags)", through(unixRecv));
        sysSendto = kernel.function(
                "int __sys_sendto(int fd, void *buff, size_t len, unsigned int flags, struct sockaddr *addr, int addr_len)",
                socketCall(true));
        sysRecvfrom = kernel.function(
                "int __sys_recvfrom(int fd, void *ubuf, size_t size, unsigned int flags, struct sockaddr *addr, int *addr_len)",
                socketCall(false));
        var readIter =
                kernel.function("ssize_t sock_read_iter(struct kiocb *iocb, struct iov_iter *to)", fileCall(false));
        var writeIter =
                kernel.function("ssize_t sock_write_iter(struct kiocb *iocb, struct iov_iter *from)", fileCall(true));
        var sockClose = kernel.leaf("int sock_close(struct inode *inode, struct file *filp)", 300);
        socketOps = kernel.vfs.ops("socket", "socket_file_ops", readIter, writeIter, Routine.NONE, sockClose, false);
        sysSocketpair = kernel.function(
                "int __sys_socketpair(int family, int type, int protocol, int *usockvec)", this::socketpair);
    }

    /** A pair of connected datagram sockets between processes that exist from the start; returns the descriptors. */
    int[] bootPair(Process a, Process b) {
        return bootPair(a, b, false);
    }

    int[] bootPair(Process a, Process b, boolean stream) {
        var first = new Socket(kernel.slab.take(sockets, a.pid));
        var second = new Socket(kernel.slab.take(sockets, b.pid));
        first.peer = second;
        second.peer = first;
        first.stream = stream;
        second.stream = stream;
        return new int[] {bootSocket(a, first), bootSocket(b, second)};
    }

    private int bootSocket(Process process, Socket socket) {
        return process.install(new OpenFile(
                kernel,
                kernel.slab.take(kernel.slab.cache("filp", kernel.types.sizeBytes("file")), process.pid),
                socketOps,
                socket,
                null,
                2));
    }

    // Waking

    /** Wakes all that wait; returns at once if nobody does. */
    void callWakeUp(Task task, WaitQueue queue) {
        callWakeUp(task, queue, queue.size());
    }

    /** Wakes the first that waits: where one is enough, as for a connection to accept. */
    void callWakeUpOne(Task task, WaitQueue queue) {
        callWakeUp(task, queue, 1);
    }

    private void callWakeUp(Task task, WaitQueue queue, int count) {
        if (!queue.isEmpty()) {
            var frame = task.call(wakeUp, task.address, 3, count, 0);
            frame.object = queue;
            frame.v0 = count;
        }
    }

    private void wakeUp(Task task, Frame frame) {
        var queue = (WaitQueue) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(30);
            default -> {
                if (queue.isEmpty() || frame.v0-- <= 0) {
                    task.ret(0);
                    return;
                }
                frame.pc = 1;
                var waiter = queue.first();
                queue.remove(waiter);
                kernel.scheduler.callWakeup(task, waiter);
            }
        }
    }

    /** A socket buffer that was there before the clock started. */
    Datagram bootSkb() {
        var message = new Datagram(0);
        message.skb = kernel.slab.take(skbs, 0);
        message.data = kernel.slab.take(skbData, 0);
        return message;
    }

    /** Calls {@code __alloc_skb}, which fills in the message's addresses. */
    void callAllocSkb(Task task, Datagram message) {
        // what arrives is put on the node of the card
        long node = task.cpu.interruptDepth > 0 ? 0 : SlabAllocator.ANY_NODE;
        task.call(allocSkb, message.bytes, SlabAllocator.GFP_ATOMIC, 0, node).object = message;
    }

    void callReleaseData(Task task, Datagram message) {
        task.call(releaseData, message.skb, 1).object = message;
    }

    void callFreeSkbMem(Task task, Datagram message) {
        task.call(freeSkbMem, message.skb);
    }

    // Pipes

    private void doPipe2(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(900);
            case 1 -> kernel.vfs.callAllocFile(task);
            case 2 -> {
                frame.v0 = task.result;
                kernel.vfs.callAllocFile(task);
            }
            default -> {
                var pipe = new Pipe();
                int read = task.process.install(new OpenFile(kernel, frame.v0, pipeOps, pipe, null, 0));
                int write = task.process.install(new OpenFile(kernel, task.result, pipeOps, pipe, null, 1));
                // both descriptors, as the user finds them in memory
                task.ret(0);
                task.pipeDescriptors = (long) write << 32 | read;
            }
        }
    }

    private void pipeRead(Task task, Frame frame) {
        var pipe = (Pipe) ((OpenFile) frame.object()).target;
        switch (frame.next()) {
            case 0 -> task.work(80);
            case 1 -> {
                if (pipe.bytes > 0) {
                    int part = (int) Math.min(pipe.bytes, frame.v1);
                    frame.v2 = part;
                    pipe.bytes -= part;
                    task.spend(60 + part / 16);
                    frame.pc = 3;
                } else if (pipe.closed) {
                    task.ret(0);
                } else {
                    pipe.readers.add(task);
                    kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
                }
            }
            case 2 -> {
                pipe.readers.remove(task);
                frame.pc = 1;
            }
            case 3 -> callWakeUp(task, pipe.writers);
            default -> task.ret(frame.v2);
        }
    }

    private void pipeWrite(Task task, Frame frame) {
        var pipe = (Pipe) ((OpenFile) frame.object()).target;
        switch (frame.next()) {
            case 0 -> task.work(80);
            case 1 -> {
                if (pipe.bytes < PIPE_BYTES) {
                    int part = (int) Math.min(PIPE_BYTES - pipe.bytes, frame.v1);
                    frame.v2 = part;
                    pipe.bytes += part;
                    task.spend(90 + part / 16);
                    frame.pc = 3;
                } else {
                    pipe.writers.add(task);
                    kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
                }
            }
            case 2 -> {
                pipe.writers.remove(task);
                frame.pc = 1;
            }
            case 3 -> callWakeUp(task, pipe.readers);
            default -> task.ret(frame.v2);
        }
    }

    private void pipeRelease(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(60);
            case 1 -> {
                var file = (OpenFile) frame.object();
                if (file.flags == 1) {
                    ((Pipe) file.target).closed = true;
                    callWakeUp(task, ((Pipe) file.target).readers);
                }
            }
            default -> task.ret(0);
        }
    }

    // Sockets. v1 = bytes

    /** Calls {@code sock_sendmsg} or {@code sock_recvmsg}; the socket is the frame's object, the bytes are v1. */
    Routine socketMessage(boolean send) {
        return send ? sendmsg : recvmsg;
    }

    private Body through(Routine operation) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.work(40);
                case 1 -> {
                    if (frame.object instanceof TcpSocket tcp) {
                        kernel.network.callTransfer(task, tcp, operation == unixSend, frame.v1);
                        return;
                    }
                    var callee = task.call(operation, frame.a0, frame.a1, frame.v1, frame.a2);
                    callee.object = frame.object;
                    callee.v1 = frame.v1;
                }
                default -> task.ret(task.result);
            }
        };
    }

    private Body socketCall(boolean send) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> {
                    var file = task.process.file(frame.a0);
                    if (file != null && file.target instanceof TcpSocket tcp) {
                        var callee = task.call(send ? sendmsg : recvmsg, tcp.socketAddress, task.local(0xd80), 0);
                        callee.object = tcp;
                        callee.v1 = frame.a2;
                        return;
                    }
                    if (file == null || !(file.target instanceof Socket socket)) {
                        task.ret(-Vfs.EBADF);
                        return;
                    }
                    var callee = task.call(send ? sendmsg : recvmsg, socket.address, task.local(0xd80), 0);
                    callee.object = socket;
                    callee.v1 = frame.a2;
                }
                default -> task.ret(task.result);
            }
        };
    }

    private Body fileCall(boolean send) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> {
                    var socket = (Socket) ((OpenFile) frame.object()).target;
                    var callee = task.call(send ? sendmsg : recvmsg, socket.address, task.local(0xd80), 0);
                    callee.object = socket;
                    callee.v1 = frame.v1;
                }
                default -> task.ret(task.result);
            }
        };
    }

    private void socketpair(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.slab.callAlloc(task, sockets);
            case 1 -> {
                frame.v0 = task.result;
                kernel.slab.callAlloc(task, sockets);
            }
            case 2 -> {
                frame.v1 = task.result;
                kernel.vfs.callAllocFile(task);
            }
            case 3 -> {
                frame.v2 = task.result;
                kernel.vfs.callAllocFile(task);
            }
            default -> {
                var first = new Socket(frame.v0);
                var second = new Socket(frame.v1);
                first.peer = second;
                second.peer = first;
                int a = task.process.install(new OpenFile(kernel, frame.v2, socketOps, first, null, 2));
                int b = task.process.install(new OpenFile(kernel, task.result, socketOps, second, null, 2));
                task.ret(0);
                task.pipeDescriptors = (long) b << 32 | a;
            }
        }
    }

    private void unixSend(Task task, Frame frame) {
        var socket = (Socket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (frame.v2 == 0 && kernel.rights.callSend(task, frame.a0, frame.a1)) {
                    frame.v2 = 1;
                    frame.pc = 0;
                    return;
                }
                if (socket.peer.queue.size() >= MAX_DATAGRAMS) {
                    frame.pc = 0;
                    socket.peer.writers.add(task);
                    kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
                    return;
                }
                task.work(70);
            }
            case 1 -> {
                var message = new Datagram((int) frame.v1);
                kernel.rights.attach(task, message);
                frame.other = message;
                task.call(allocSkb, frame.v1, SlabAllocator.GFP_KERNEL, 0, 0xffff_ffffL).object = message;
            }
            case 2 -> {
                socket.peer.queue.add((Datagram) Objects.requireNonNull(frame.other));
                kernel.truth.datagramsSent++;
                task.spend(120 + frame.v1 / 16);
            }
            case 3 -> callWakeUp(task, socket.peer.readers);
            default -> task.ret(frame.v1);
        }
    }

    private void unixRecv(Task task, Frame frame) {
        var socket = (Socket) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(60);
            case 1 -> {
                var message = socket.queue.poll();
                if (message == null && task.signalled()) {
                    task.ret(-Signals.ERESTARTSYS);
                    return;
                }
                if (message == null) {
                    frame.pc = 1;
                    task.call(waitForPackets, socket.address, socket.address + 0xc0).object = socket;
                    return;
                }
                frame.other = message;
                frame.v0 = message.bytes;
                kernel.truth.datagramsReceived++;
                task.spend(80 + message.bytes / 16);
            }
            case 2 -> {
                var message = (Datagram) Objects.requireNonNull(frame.other);
                if (socket.stream) {
                    kernel.sockets.plain(message);
                    task.call(streamActor, message.skb, 0, message.bytes, task.local(0xdc0));
                }
            }
            case 3 -> {
                var message = (Datagram) Objects.requireNonNull(frame.other);
                task.call(consumeSkb, message.skb).object = message;
            }
            case 4 -> {
                var message = (Datagram) Objects.requireNonNull(frame.other);
                if (!message.files.isEmpty()) {
                    kernel.rights.callDetach(task, frame.a1, message);
                }
            }
            case 5 -> callWakeUp(task, socket.writers);
            default -> task.ret(frame.v0);
        }
    }

    private void waitForPackets(Task task, Frame frame) {
        var socket = (Socket) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(40);
            case 1 -> {
                if (socket.queue.isEmpty()) {
                    socket.readers.add(task);
                    kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
                }
            }
            default -> {
                socket.readers.remove(task);
                task.ret(0);
            }
        }
    }

    private void allocSkb(Task task, Frame frame) {
        var message = (Datagram) frame.object();
        switch (frame.next()) {
            case 0 -> kernel.slab.callAllocNode(task, skbs, frame.a1, frame.a3);
            case 1 -> {
                message.skb = task.result;
                task.call(kmallocReserve, task.local(0xdc0), frame.a1, frame.a3, 0).object = message;
            }
            case 2 -> {
                message.data = task.result;
                task.work(35);
            }
            default -> task.ret(message.skb);
        }
    }

    private void kmallocReserve(Task task, Frame frame) {
        var message = (Datagram) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (message.bytes <= 384) {
                    kernel.slab.callAllocNode(task, skbData, frame.a1, frame.a2);
                } else {
                    kernel.slab.callKmallocNode(task, Math.min(8192, message.bytes + 320), frame.a1, frame.a2);
                }
            }
            default -> task.ret(task.result);
        }
    }

    private void consumeSkb(Task task, Frame frame) {
        var message = (Datagram) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (consumeEvent.active()) {
                    long site = Firing.returnAddress(task, task.depth);
                    kernel.tracer.raw(consumeEvent, task, message.skb, site);
                    kernel.tracer
                            .begin(consumeEvent, task)
                            .num(message.skb)
                            .num(site)
                            .fire();
                }
                task.work(20);
            }
            case 1 -> task.call(releaseData, message.skb, 1).object = message;
            case 2 -> task.call(freeSkbMem, message.skb);
            default -> task.ret(0);
        }
    }

    private void releaseData(Task task, Frame frame) {
        var message = (Datagram) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (message.bytes <= 384) {
                    kernel.slab.callFree(task, skbData, message.data);
                } else {
                    kernel.slab.callKfree(task, message.data);
                }
            }
            default -> task.ret(0);
        }
    }
}
