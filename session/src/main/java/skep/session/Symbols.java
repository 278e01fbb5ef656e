package skep.session;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import skep.dsl.Action;
import skep.dsl.Type;
import skep.isa.kernel.KernelInfo;
import skep.session.view.Value;
import skep.target.LoadedMap;
import skep.target.Target;

/** Looks up what numbers of a target are called: addresses, stacks, users. */
final class Symbols {
    private final Target target;

    Symbols(Target target) {
        this.target = target;
    }

    Value kernelSymbol(long address) {
        var text =
                target.kernel().symbolAt(address).map(KernelInfo.Symbol::name).orElseGet(() -> hex(address));
        return new Value.Named(address, text);
    }

    /** Stacks that are remembered; the one that came first goes first. */
    private static final int MAX_UNWOUND = 1 << 20;

    private final Map<Long, Unwound> unwound = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Unwound> eldest) {
            return size() > MAX_UNWOUND;
        }
    };

    private final Map<Unwound, Unwound> unwoundOnce = new HashMap<>();

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
        return new Value.Stack(
                frames(stacks, id, depth, mode, address -> target.kernel().symbolAt(address), "[kernel.kallsyms]"));
    }

    Value userStack(LoadedMap stacks, long id, int pid, Type.StackMode mode, int depth) {
        return new Value.Stack(
                frames(stacks, id, depth, mode, address -> target.userSymbol(pid, address), "[unknown]"));
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
        return new Value.Stack(stack.frames().stream()
                .limit(depth)
                .map(address -> frame(address, mode, at -> target.userSymbol(stack.pid(), at), "[unknown]"))
                .toList());
    }

    private static List<String> frames(
            LoadedMap stacks,
            long id,
            int depth,
            Type.StackMode mode,
            Function<Long, java.util.Optional<KernelInfo.Symbol>> lookup,
            String noModule) {
        var frames = new ArrayList<String>();
        if (id < 0) {
            // The helper's errno: the stack could not be taken.
            return frames;
        }
        var key = new byte[] {(byte) id, (byte) (id >> 8), (byte) (id >> 16), (byte) (id >> 24)};
        var addresses = stacks.lookup(key);
        if (addresses.isEmpty()) {
            return frames;
        }
        var bytes = addresses.get();
        for (int i = 0; i < depth && 8 * i + 8 <= bytes.length; i++) {
            long address = ValueReader.word(bytes, 8 * i, 8);
            if (address == 0) {
                break;
            }
            frames.add(frame(address, mode, lookup, noModule));
        }
        return frames;
    }

    private static String frame(
            long address,
            Type.StackMode mode,
            Function<Long, java.util.Optional<KernelInfo.Symbol>> lookup,
            String noModule) {
        if (mode == Type.StackMode.RAW) {
            return Long.toHexString(address);
        }
        var symbol = lookup.apply(address);
        var text = symbol.map(s -> s.name() + "+" + s.offset()).orElseGet(() -> hex(address));
        if (mode == Type.StackMode.BPFTRACE) {
            return text;
        }
        var module = symbol.map(KernelInfo.Symbol::module)
                .filter(name -> !name.isEmpty())
                .orElse(noModule);
        return Long.toHexString(address) + " " + text + " (" + module + ")";
    }

    private static String hex(long address) {
        return "0x" + Long.toHexString(address);
    }
}
