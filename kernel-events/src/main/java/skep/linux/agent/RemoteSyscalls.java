package skep.linux.agent;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.kernel.Arch;
import skep.linux.sys.Block;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.linux.sys.Syscalls;
import skep.target.TargetException;

/**
 * System calls that an agent makes at the other end of a stream. Writes to the agent's memory need no answer and travel
 * with the call that follows; a call is one round trip, and fetching what it wrote is another.
 */
public final class RemoteSyscalls implements Syscalls {
    private static final int READ = -1;
    private static final int WRITE = -2;
    private static final int SPAWN = -3;

    private static final long CHUNK_BYTES = 1 << 20;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;

    private final DataInputStream in;
    private final OutputStream out;
    private final Runnable onClose;
    private final Arch arch;
    private final ByteBuffer request =
            ByteBuffer.allocate(AgentImage.REQUEST_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    /** Free blocks of the agent's memory by size, and the rest of the last chunk. */
    private final Map<Long, Deque<Long>> free = new HashMap<>();

    private long chunk;
    private long chunkEnd;
    private boolean closed;

    /**
     * Meets an agent.
     *
     * @param onClose what to do when the stream closes: end the process that carries it, close the socket
     * @throws TargetException if what answers is no agent
     */
    public RemoteSyscalls(InputStream in, OutputStream out, Runnable onClose) {
        this.in = new DataInputStream(in);
        this.out = new BufferedOutputStream(out, 1 << 16);
        this.onClose = onClose;
        try {
            var hello = ByteBuffer.wrap(answer(8)).order(ByteOrder.LITTLE_ENDIAN);
            int magic = hello.getInt();
            int machine = hello.getInt();
            if (magic != AgentImage.MAGIC || machine != AgentImage.X86_64 && machine != AgentImage.ARM64) {
                throw new TargetException("what answers is no Skep agent");
            }
            this.arch = machine == AgentImage.X86_64 ? Arch.X86_64 : Arch.ARM64;
        } catch (IOException gone) {
            onClose.run();
            throw new TargetException("the agent did not answer: " + gone.getMessage(), gone);
        }
    }

    @Override
    public Arch arch() {
        return arch;
    }

    private static TargetException lost(IOException cause) {
        return new TargetException("the connection to the agent broke: " + cause.getMessage(), cause);
    }

    private byte[] answer(int bytes) throws IOException {
        out.flush();
        var answer = in.readNBytes(bytes);
        if (answer.length < bytes) {
            throw new EOFException("the agent has ended");
        }
        return answer;
    }

    private void request(long operation, long a, long b, long c, long d, long e, long f) throws IOException {
        request.clear()
                .putLong(operation)
                .putLong(a)
                .putLong(b)
                .putLong(c)
                .putLong(d)
                .putLong(e)
                .putLong(f);
        out.write(request.array());
    }

    private long result() throws IOException {
        return ByteBuffer.wrap(answer(8)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    @Override
    public synchronized long call(Sys call, long a, long b, long c, long d, long e, long f) {
        if (closed) {
            return -Errno.EBADF;
        }
        try {
            request(call.number(arch), a, b, c, d, e, f);
            return result();
        } catch (IOException broken) {
            throw lost(broken);
        }
    }

    private synchronized void write(long address, byte[] bytes, int length) {
        if (length == 0 || closed) {
            return;
        }
        try {
            request(WRITE, address, length, 0, 0, 0, 0);
            out.write(bytes, 0, length);
        } catch (IOException broken) {
            throw lost(broken);
        }
    }

    private synchronized byte[] read(long address, int length) {
        if (length == 0 || closed) {
            return new byte[length];
        }
        try {
            request(READ, address, length, 0, 0, 0, 0);
            return answer(length);
        } catch (IOException broken) {
            throw lost(broken);
        }
    }

    @Override
    public synchronized Block allocate(long bytes) {
        long size = Math.max(16, Long.highestOneBit(Math.max(1, bytes - 1)) << 1);
        var reusable = free.computeIfAbsent(size, s -> new ArrayDeque<>());
        long address = reusable.isEmpty() ? fresh(size) : reusable.pop();
        return new RemoteBlock(address, size, MemorySegment.ofArray(new byte[Math.toIntExact(Math.max(1, bytes))]));
    }

    private long fresh(long size) {
        if (chunkEnd - chunk < size) {
            long bytes = Math.max(CHUNK_BYTES, size);
            long address = call(Sys.MMAP, 0, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
            if (Errno.isError(address)) {
                throw new TargetException("the agent's machine has no memory left: " + Errno.name(-address));
            }
            chunk = address;
            chunkEnd = address + bytes;
        }
        chunk += size;
        return chunk - size;
    }

    @Override
    public Block allocateShared(long bytes) {
        return allocate(bytes);
    }

    @Override
    public Optional<MemorySegment> view(long address, long bytes) {
        return Optional.empty();
    }

    @Override
    public void copy(long address, byte[] to) {
        System.arraycopy(read(address, to.length), 0, to, 0, to.length);
    }

    @Override
    public void release(long address, long value) {
        write(
                address,
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .array(),
                8);
    }

    /** The command's output goes to the agent's standard error: its standard output is the stream. */
    @Override
    public synchronized long spawnGated(List<String> arguments, int gate) {
        long bytes =
                arguments.stream().mapToLong(word -> word.length() * 3L + 1).sum();
        var environment = List.of("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        bytes += environment.getFirst().length() + 1;
        long pointers = 8L * (arguments.size() + 3);
        try (var memory = allocate(pointers + bytes)) {
            long text = pointers;
            for (int i = 0; i < arguments.size(); i++) {
                memory.putLong(8L * i, memory.address() + text);
                text = memory.putString(text, arguments.get(i));
            }
            long envp = 8L * (arguments.size() + 1);
            memory.putLong(envp, memory.address() + text);
            text = memory.putString(text, environment.getFirst());
            long argv = memory.pushed(text);
            request(SPAWN, memory.getLong(0), argv, argv + envp, gate, 0, 0);
            return result();
        } catch (IOException broken) {
            throw lost(broken);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            try {
                out.close();
            } catch (IOException alreadyGone) {
                // The agent ends with its stream in either case.
            }
            onClose.run();
        }
    }

    private final class RemoteBlock implements Block {
        private final long address;
        private final long size;
        private final MemorySegment segment;
        private boolean freed;

        RemoteBlock(long address, long size, MemorySegment segment) {
            this.address = address;
            this.size = size;
            this.segment = segment;
        }

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public long address() {
            return address;
        }

        @Override
        public long pushed(long bytes) {
            var array = new byte[Math.toIntExact(bytes)];
            MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, 0, array, 0, array.length);
            write(address, array, array.length);
            return address;
        }

        @Override
        public MemorySegment pulled(long offset, long bytes) {
            var array = read(address + offset, Math.toIntExact(bytes));
            MemorySegment.copy(array, 0, segment, ValueLayout.JAVA_BYTE, offset, array.length);
            return segment;
        }

        @Override
        public void close() {
            synchronized (RemoteSyscalls.this) {
                if (!freed) {
                    freed = true;
                    free.computeIfAbsent(size, s -> new ArrayDeque<>()).push(address);
                }
            }
        }
    }
}
