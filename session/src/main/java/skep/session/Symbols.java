package skep.session;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.dsl.Action;
import skep.dsl.Type;
import skep.isa.kernel.KernelInfo;
import skep.session.view.Value;
import skep.target.LoadedMap;
import skep.target.Target;

/** Looks up what numbers of a target are called: addresses, stacks, users. */
final class Symbols {
    /** Stacks that are remembered; the one that came first goes first. */
    private static final int MAX_UNWOUND = 1 << 20;

    private final Target target;
    private final boolean showSource;
    private final Map<Long, Unwound> unwound = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Unwound> eldest) {
            return size() > MAX_UNWOUND;
        }
    };
    private final Map<Unwound, Unwound> unwoundOnce = new HashMap<>();

    /**
     * @param showSource whether frames of processes tell where they are in the source
     */
    Symbols(Target target, boolean showSource) {
        this.target = target;
        this.showSource = showSource;
    }

    /** What a file of the target's system says, where its files are not those of this machine. */
    Optional<byte[]> fileOfTarget(String path) {
        return target.isLive() ? Optional.empty() : target.readFile(path);
    }

    Value kernelSymbol(long address) {
        var text =
                target.kernel().symbolAt(address).map(KernelInfo.Symbol::name).orElseGet(() -> hex(address));
        return new Value.Named(address, text);
    }

    Value userSymbol(int pid, long address) {
        var text = target.userSymbol(pid, address).map(KernelInfo.Symbol::name).orElseGet(() -> hex(address));
        return new Value.Named(address, text);
    }

    Value userName(long uid) {
        return new Value.Named(uid, target.userName(uid).orElse("unknown"));
    }

    /** The name of a system call by its number on the target's architecture. */
    String syscall(long number) {
        return Names.syscall(target.kernel().arch(), number);
    }

    Value cgroup(long id, String hierarchyGlob) {
        return new Value.Named(
                id, target.cgroupPath(id).map(path -> "unified:" + path).orElse(""));
    }

    /** Nanoseconds since 1970 of a time of the target's monotonic clock. */
    long wallNanos(long monotonicNanos) {
        return monotonicNanos + target.wallClockOffsetNanos();
    }

    long clockOriginNanos() {
        return target.wallClockOffsetNanos();
    }

    /** Nanoseconds since 1970, now. */
    long nowNanos() {
        return wallNanos(target.monotonicNanos());
    }

    Value kernelStack(LoadedMap stacks, long id, Type.StackMode mode, int depth) {
        return stack(addresses(stacks, id, depth), mode, this::kernelFrame);
    }

    Value userStack(LoadedMap stacks, long id, int pid, Type.StackMode mode, int depth) {
        return stack(addresses(stacks, id, depth), mode, (address, m) -> userFrame(pid, address, m));
    }

    private record Unwound(int pid, List<Long> frames) {}

    /** Unwinds a copy of a stack, and keeps what came of it under the copy's id. */
    void unwind(Action.StackCopy copy, byte[] record) {
        var bytes = MemorySegment.ofArray(record);
        int pid = (int) ValueReader.word(record, copy.process().offsetBytes(), 4);
        var frames = target.unwind(
                pid,
                bytes.asSlice(copy.registersOffset(), copy.registersBytes()),
                bytes.asSlice(copy.stackOffset(), copy.stackBytes()),
                copy.depth());
        // Most stacks come again and again: each is kept once.
        var stack = new Unwound(pid, frames);
        unwound.put(
                ValueReader.word(record, copy.id().offsetBytes(), 8), unwoundOnce.computeIfAbsent(stack, same -> same));
    }

    /** The stack of an id; without frames if its copy was lost. */
    Value unwoundStack(long id, Type.StackMode mode, int depth) {
        var stack = unwound.getOrDefault(id, new Unwound(0, List.of()));
        return stack(
                stack.frames().stream().limit(depth).toList(),
                mode,
                (address, m) -> userFrame(stack.pid(), address, m));
    }

    @FunctionalInterface
    private interface FrameText {
        String of(long address, Type.StackMode mode);
    }

    private static Value stack(List<Long> addresses, Type.StackMode mode, FrameText text) {
        var frames = addresses.stream().map(address -> text.of(address, mode)).toList();
        return new Value.Stack(
                frames,
                switch (mode) {
                    case BPFTRACE -> Value.Indent.SPACES;
                    case PERF -> Value.Indent.TAB;
                    case RAW, BUILD_ID -> Value.Indent.NONE;
                });
    }

    /** Return addresses, innermost first; empty if the stack could not be taken: then the id is the helper's errno. */
    private static List<Long> addresses(LoadedMap stacks, long id, int depth) {
        if (id < 0) {
            return List.of();
        }
        var key = new byte[] {(byte) id, (byte) (id >> 8), (byte) (id >> 16), (byte) (id >> 24)};
        var bytes = stacks.lookup(key).orElse(new byte[0]);
        var addresses = new ArrayList<Long>();
        for (int i = 0; i < depth && 8 * i + 8 <= bytes.length; i++) {
            long address = ValueReader.word(bytes, 8 * i, 8);
            if (address == 0) {
                break;
            }
            addresses.add(address);
        }
        return addresses;
    }

    private String kernelFrame(long address, Type.StackMode mode) {
        return switch (mode) {
            case RAW, BUILD_ID -> Long.toHexString(address);
            case BPFTRACE -> named(address, target.kernel().symbolAt(address));
            case PERF -> perf(address, target.kernel().symbolAt(address), "[kernel.kallsyms]");
        };
    }

    private String userFrame(int pid, long address, Type.StackMode mode) {
        return switch (mode) {
            case RAW -> Long.toHexString(address);
            case BUILD_ID ->
                target.userFilePlace(pid, address)
                        .map(place -> place.buildId() + " 0x" + Long.toHexString(place.offset()))
                        .orElseGet(() -> Long.toHexString(address));
            case BPFTRACE ->
                named(address, target.userSymbol(pid, address))
                        + (showSource
                                ? target.userSourceLine(pid, address)
                                        .map(line -> "@" + line)
                                        .orElse("")
                                : "");
            case PERF -> perf(address, target.userSymbol(pid, address), "[unknown]");
        };
    }

    private static String named(long address, Optional<KernelInfo.Symbol> symbol) {
        return symbol.map(s -> s.name() + "+" + s.offset()).orElseGet(() -> hex(address));
    }

    private static String perf(long address, Optional<KernelInfo.Symbol> symbol, String noModule) {
        var module = symbol.map(KernelInfo.Symbol::module)
                .filter(name -> !name.isEmpty())
                .orElse(noModule);
        return Long.toHexString(address) + " " + named(address, symbol) + " (" + module + ")";
    }

    private static String hex(long address) {
        return "0x" + Long.toHexString(address);
    }
}
