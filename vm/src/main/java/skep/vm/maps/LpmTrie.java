package skep.vm.maps;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.object.MapSpec;
import skep.vm.Memory;

/**
 * {@code lpm_trie}: a key is a prefix, a look-up finds the longest one that fits. A binary trie without the nodes that have one
 * child, so that a look-up compares each bit of the key once at the most. Readers take no lock; writers lock the nodes whose links
 * they change, from the root downwards: at most three that hang below each other.
 *
 * <pre>
 *  key:  0 prefix length in bits (32 bits) | 4 data, most significant bit first
 * </pre>
 */
final class LpmTrie implements BpfMap {
    private static final int LENGTH_BYTES = 4;
    private static final int NO_ELEMENT = -1;

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final int dataBytes;
    private final int maxPrefix;
    private final Slab slab;
    /** Above all prefixes; the trie hangs at its first link. */
    private final Node top = new Node(-1, new byte[0], NO_ELEMENT);

    private final AtomicInteger entries = new AtomicInteger();

    /** A prefix; {@code element} is -1 where it only joins two others. */
    private static final class Node {
        final int prefix;
        final byte[] data;
        final int element;
        final AtomicReferenceArray<@Nullable Node> children = new AtomicReferenceArray<>(2);
        /** No longer part of the trie; whoever holds the node's monitor reads and writes it. */
        boolean gone;

        Node(int prefix, byte[] data, int element) {
            this.prefix = prefix;
            this.data = data;
            this.element = element;
        }

        boolean joins() {
            return element < 0;
        }

        /** Whether the link still leads there; the monitor is held. */
        boolean leads(int index, @Nullable Node child) {
            return !gone && children.get(index) == child;
        }

        /** A node in the place of this one, whose monitor is held. */
        Node replacement(byte[] newData, int newElement) {
            var other = new Node(prefix, newData, newElement);
            other.children.set(0, children.get(0));
            other.children.set(1, children.get(1));
            gone = true;
            return other;
        }
    }

    /**
     * Where the way down along a key ends.
     *
     * @param above the node that {@code owner} hangs at, if there is one
     * @param owner the node whose link leads to {@code node}
     * @param common how many leading bits of {@code node} and of the key agree
     */
    private record Way(Optional<Node> above, Node owner, int index, Optional<Node> node, int common) {
        boolean endsAt(int prefix) {
            return node.isPresent() && node.get().prefix == prefix && common == prefix;
        }
    }

    LpmTrie(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.memory = new MapMemory(context, spec.name());
        this.dataBytes = spec.keySizeBytes() - LENGTH_BYTES;
        this.maxPrefix = 8 * dataBytes;
        this.slab = new Slab(memory, capacity(spec), 8, 0, ValueShape.pad(spec.valueSizeBytes()));
    }

    /** Nothing is allocated before it is used, so the bound may be beyond what there can be. */
    private static int capacity(MapSpec spec) {
        return spec.maxEntries() < 0 ? Integer.MAX_VALUE - 8 : spec.maxEntries();
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    @Override
    public long lookup(long key, int cpu) {
        int limit = Memory.getInt(key);
        if (Integer.compareUnsigned(limit, maxPrefix) > 0) {
            return 0;
        }
        int found = NO_ELEMENT;
        int matched = 0;
        for (var node = top.children.get(0); node != null; node = node.children.get(bit(key, matched))) {
            matched = common(node, key, matched, Math.min(limit, node.prefix));
            if (matched < node.prefix) {
                break;
            }
            if (!node.joins()) {
                found = node.element;
            }
            if (matched == limit) {
                break;
            }
        }
        return found < 0 ? 0 : slab.value(found);
    }

    /** How many leading bits of a node and of a key in memory agree, up to a limit; the first {@code from} are known to. */
    private static int common(Node node, long key, int from, int limit) {
        for (int at = from & ~7; at < limit; at += 8) {
            int different = (node.data[at / 8] ^ Memory.getByte(key + LENGTH_BYTES + at / 8)) & 0xff;
            if (different != 0) {
                return Math.min(limit, at + Integer.numberOfLeadingZeros(different) - 24);
            }
        }
        return limit;
    }

    private static int bit(long key, int index) {
        return Memory.getByte(key + LENGTH_BYTES + index / 8) >> 7 - index % 8 & 1;
    }

    private static int bit(byte[] data, int index) {
        return data[index / 8] >> 7 - index % 8 & 1;
    }

    /** Goes down to the node with this prefix, or to where it would hang. */
    private Way way(long key, int prefix) {
        var above = Optional.<Node>empty();
        var owner = top;
        int index = 0;
        int matched = 0;
        for (; ; ) {
            var node = owner.children.get(index);
            if (node == null) {
                return new Way(above, owner, index, Optional.empty(), matched);
            }
            matched = common(node, key, matched, Math.min(prefix, node.prefix));
            if (matched < node.prefix || node.prefix == prefix) {
                return new Way(above, owner, index, Optional.of(node), matched);
            }
            above = Optional.of(owner);
            owner = node;
            index = bit(key, matched);
        }
    }

    @Override
    public int update(long key, long value, long flags, int cpu) {
        int prefix = Memory.getInt(key);
        if (flags < 0 || flags > MapFlags.EXIST || Integer.compareUnsigned(prefix, maxPrefix) > 0) {
            return Errno.EINVAL.negated();
        }
        for (; ; ) {
            var way = way(key, prefix);
            synchronized (way.owner) {
                if (way.owner.leads(way.index, way.node.orElse(null))) {
                    return way.endsAt(prefix) ? replace(way, key, value, flags) : add(way, prefix, key, value, flags);
                }
            }
        }
    }

    /** Gives the node at the end of a way a value; the owner's monitor is held. */
    private int replace(Way way, long key, long value, long flags) {
        var node = way.node.orElseThrow();
        if (node.joins()) {
            int element = flags == MapFlags.EXIST ? Errno.ENOENT.negated() : taken(value);
            if (element < 0) {
                return element;
            }
            replace(way, node, key, element);
            return 0;
        }
        if (flags == MapFlags.NOEXIST) {
            return Errno.EEXIST.negated();
        }
        // The value stays where it is: programs may hold its address. Bits of the key behind the prefix are the new
        // key's.
        ValueShape.copyBytes(value, slab.value(node.element), spec.valueSizeBytes());
        replace(way, node, key, node.element);
        return 0;
    }

    private void replace(Way way, Node node, long key, int element) {
        synchronized (node) {
            way.owner.children.set(way.index, node.replacement(Memory.bytes(key + LENGTH_BYTES, dataBytes), element));
        }
    }

    /** Hangs a new node where a way ends; the owner's monitor is held. */
    private int add(Way way, int prefix, long key, long value, long flags) {
        if (flags == MapFlags.EXIST) {
            return Errno.ENOENT.negated();
        }
        int element = taken(value);
        if (element < 0) {
            return element;
        }
        var added = new Node(prefix, Memory.bytes(key + LENGTH_BYTES, dataBytes), element);
        var hung = added;
        if (way.node.isPresent()) {
            var node = way.node.get();
            if (way.common == prefix) {
                added.children.set(bit(node.data, prefix), node);
            } else {
                hung = new Node(way.common, added.data, NO_ELEMENT);
                hung.children.set(bit(node.data, way.common), node);
                hung.children.set(bit(added.data, way.common), added);
            }
        }
        way.owner.children.set(way.index, hung);
        return 0;
    }

    /** An element that holds the value, or a negative errno. */
    private int taken(long value) {
        int limit = spec.maxEntries();
        if (entries.getAndUpdate(now -> now == limit ? now : now + 1) == limit) {
            return Errno.ENOSPC.negated();
        }
        int element = slab.take();
        if (element < 0) {
            entries.decrementAndGet();
            return Errno.ENOMEM.negated();
        }
        ValueShape.copyBytes(value, slab.value(element), spec.valueSizeBytes());
        return element;
    }

    @Override
    public int delete(long key) {
        int prefix = Memory.getInt(key);
        if (Integer.compareUnsigned(prefix, maxPrefix) > 0) {
            return Errno.EINVAL.negated();
        }
        for (; ; ) {
            var way = way(key, prefix);
            if (!way.endsAt(prefix) || way.node.orElseThrow().joins()) {
                return Errno.ENOENT.negated();
            }
            if (removed(way)) {
                return 0;
            }
        }
    }

    /** Takes the node at the end of a way out; false if the trie has changed meanwhile. */
    private boolean removed(Way way) {
        if (way.above.isPresent() && way.owner.joins()) {
            synchronized (way.above.get()) {
                return removedBelow(way);
            }
        }
        return removedBelow(way);
    }

    private boolean removedBelow(Way way) {
        var node = way.node.orElseThrow();
        synchronized (way.owner) {
            synchronized (node) {
                if (!way.owner.leads(way.index, node)) {
                    return false;
                }
                var left = node.children.get(0);
                var right = node.children.get(1);
                if (left == null && right == null && way.above.isPresent() && way.owner.joins()) {
                    // What joined two prefixes has one only.
                    var above = way.above.get();
                    int at = above == top ? 0 : bit(way.owner.data, above.prefix);
                    if (!above.leads(at, way.owner)) {
                        return false;
                    }
                    above.children.set(at, way.owner.children.get(1 - way.index));
                    way.owner.gone = true;
                } else if (left != null && right != null) {
                    way.owner.children.set(way.index, node.replacement(node.data, NO_ELEMENT));
                } else {
                    way.owner.children.set(way.index, left != null ? left : right);
                }
                node.gone = true;
            }
        }
        entries.decrementAndGet();
        slab.give(node.element);
        return true;
    }

    /** More special prefixes come first, as in the kernel: children before their parent. */
    @Override
    public int nextKey(long key, long next) {
        var path = key == 0 ? List.<Node>of() : pathTo(key);
        var found = path.isEmpty() ? first(top.children.get(0)) : after(path);
        if (found.isEmpty()) {
            return Errno.ENOENT.negated();
        }
        copyKey(found.get(), next);
        return 0;
    }

    /** The nodes from the root to the one of a key; empty if there is none. */
    private List<Node> pathTo(long key) {
        int prefix = Memory.getInt(key);
        var path = new ArrayList<Node>();
        if (Integer.compareUnsigned(prefix, maxPrefix) > 0) {
            return path;
        }
        int matched = 0;
        for (var node = top.children.get(0); node != null; node = node.children.get(bit(key, matched))) {
            path.add(node);
            matched = common(node, key, matched, Math.min(prefix, node.prefix));
            if (matched < node.prefix) {
                break;
            }
            if (node.prefix == prefix) {
                return node.joins() ? List.of() : path;
            }
        }
        return List.of();
    }

    /** The entry that follows the last node of a path. */
    private static Optional<Node> after(List<Node> path) {
        for (int i = path.size() - 1; i > 0; i--) {
            var parent = path.get(i - 1);
            var right = parent.children.get(1);
            if (parent.children.get(0) == path.get(i) && right != null) {
                return first(right);
            }
            if (!parent.joins()) {
                return Optional.of(parent);
            }
        }
        return Optional.empty();
    }

    /** The first entry below a node: where there is nothing further below. */
    private static Optional<Node> first(@Nullable Node root) {
        Node last = null;
        for (var node = root; node != null; ) {
            last = node;
            var left = node.children.get(0);
            node = left != null ? left : node.children.get(1);
        }
        return Optional.ofNullable(last);
    }

    @Override
    public void walkKeys(KeyVisitor visitor, long room) {
        walk(top.children.get(0), visitor, room);
    }

    private void walk(@Nullable Node node, KeyVisitor visitor, long room) {
        if (node != null) {
            walk(node.children.get(0), visitor, room);
            walk(node.children.get(1), visitor, room);
            if (!node.joins()) {
                copyKey(node, room);
                visitor.visit(room);
            }
        }
    }

    private void copyKey(Node node, long to) {
        Memory.putInt(to, node.prefix);
        Memory.copy(node.data, 0, to + LENGTH_BYTES, dataBytes);
    }

    @Override
    public long memoryBytes() {
        return memory.chargedBytes();
    }

    @Override
    public void close() {
        memory.close();
    }
}
