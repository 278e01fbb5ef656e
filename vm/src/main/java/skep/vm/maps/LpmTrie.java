package skep.vm.maps;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.object.MapSpec;
import skep.vm.Memory;

/**
 * {@code lpm_trie}: a key is a prefix, a look-up finds the longest one that fits. A binary trie without the nodes that
 * have one child; readers take no lock, writers take one.
 *
 * <pre>
 *  key:  0 prefix length in bits (32 bits) | 4 data, most significant bit first
 * </pre>
 */
final class LpmTrie implements BpfMap {
    private static final int LENGTH_BYTES = 4;

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final int dataBytes;
    private final int maxPrefix;
    private final Slab slab;
    private final AtomicReferenceArray<@Nullable Node> root = new AtomicReferenceArray<>(1);
    private int entries;

    /** A prefix; {@code element} is -1 where it only joins two others. */
    private static final class Node {
        final int prefix;
        final byte[] data;
        final int element;
        final AtomicReferenceArray<@Nullable Node> children = new AtomicReferenceArray<>(2);

        Node(int prefix, byte[] data, int element) {
            this.prefix = prefix;
            this.data = data;
            this.element = element;
        }

        boolean joins() {
            return element < 0;
        }
    }

    /** Where a node hangs. */
    private record Place(AtomicReferenceArray<@Nullable Node> links, int index) {
        @Nullable
        Node get() {
            return links.get(index);
        }

        void set(@Nullable Node node) {
            links.set(index, node);
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
        Node found = null;
        for (var node = root.get(0); node != null; ) {
            int common = common(node, key, Math.min(limit, node.prefix));
            if (common < node.prefix) {
                break;
            }
            if (!node.joins()) {
                found = node;
            }
            if (node.prefix >= limit || node.prefix == maxPrefix) {
                break;
            }
            node = node.children.get(bit(key, node.prefix));
        }
        return found == null ? 0 : slab.value(found.element);
    }

    /** How many leading bits of a node and of a key in memory agree, up to a limit. */
    private static int common(Node node, long key, int limit) {
        for (int at = 0; at < limit; at += 8) {
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

    @Override
    public synchronized int update(long key, long value, long flags, int cpu) {
        int prefix = Memory.getInt(key);
        if (flags < 0 || flags > MapFlags.EXIST || Integer.compareUnsigned(prefix, maxPrefix) > 0) {
            return Errno.EINVAL.negated();
        }
        var place = new Place(root, 0);
        int common = 0;
        var node = place.get();
        while (node != null) {
            common = common(node, key, Math.min(prefix, node.prefix));
            if (common < node.prefix || node.prefix == prefix || node.prefix == maxPrefix) {
                break;
            }
            place = new Place(node.children, bit(key, node.prefix));
            node = place.get();
        }
        boolean same = node != null && node.prefix == common && node.prefix == prefix;
        boolean exists = same && node != null && !node.joins();
        if (exists && flags == MapFlags.NOEXIST) {
            return Errno.EEXIST.negated();
        }
        if (!exists && flags == MapFlags.EXIST) {
            return Errno.ENOENT.negated();
        }
        if (!exists && entries == spec.maxEntries()) {
            return Errno.ENOSPC.negated();
        }
        if (exists && node != null) {
            // The value stays where it is: programs may hold its address. Bits of the key behind the prefix are the new
            // key's.
            ValueShape.copyBytes(value, slab.value(node.element), spec.valueSizeBytes());
            var renamed = new Node(prefix, Memory.bytes(key + LENGTH_BYTES, dataBytes), node.element);
            renamed.children.set(0, node.children.get(0));
            renamed.children.set(1, node.children.get(1));
            place.set(renamed);
            return 0;
        }
        int element = slab.take();
        if (element < 0) {
            return Errno.ENOMEM.negated();
        }
        ValueShape.copyBytes(value, slab.value(element), spec.valueSizeBytes());
        var added = new Node(prefix, Memory.bytes(key + LENGTH_BYTES, dataBytes), element);
        entries++;
        if (node == null) {
            place.set(added);
        } else if (same) {
            added.children.set(0, node.children.get(0));
            added.children.set(1, node.children.get(1));
            place.set(added);
        } else if (common == prefix) {
            added.children.set(bit(node.data, common), node);
            place.set(added);
        } else {
            var joint = new Node(common, added.data, -1);
            joint.children.set(bit(node.data, common), node);
            joint.children.set(bit(added.data, common), added);
            place.set(joint);
        }
        return 0;
    }

    @Override
    public synchronized int delete(long key) {
        int prefix = Memory.getInt(key);
        if (Integer.compareUnsigned(prefix, maxPrefix) > 0) {
            return Errno.EINVAL.negated();
        }
        Place above = null;
        var place = new Place(root, 0);
        var node = place.get();
        while (node != null && node.prefix < prefix && common(node, key, node.prefix) == node.prefix) {
            above = place;
            place = new Place(node.children, bit(key, node.prefix));
            node = place.get();
        }
        if (node == null || node.prefix != prefix || node.joins() || common(node, key, prefix) < prefix) {
            return Errno.ENOENT.negated();
        }
        entries--;
        var left = node.children.get(0);
        var right = node.children.get(1);
        if (left != null && right != null) {
            var joint = new Node(node.prefix, node.data, -1);
            joint.children.set(0, left);
            joint.children.set(1, right);
            place.set(joint);
        } else if (left != null || right != null) {
            place.set(left != null ? left : right);
        } else {
            var parent = above == null ? null : above.get();
            if (above != null && parent != null && parent.joins()) {
                above.set(parent.children.get(1 - place.index));
            } else {
                place.set(null);
            }
        }
        slab.give(node.element);
        return 0;
    }

    @Override
    public synchronized int nextKey(long key, long next) {
        var search = new Search(key == 0 ? Optional.empty() : exact(key));
        visit(root.get(0), search);
        if (search.next == null) {
            return Errno.ENOENT.negated();
        }
        copyKey(search.next, next);
        return 0;
    }

    private Optional<Node> exact(long key) {
        int prefix = Memory.getInt(key);
        if (Integer.compareUnsigned(prefix, maxPrefix) > 0) {
            return Optional.empty();
        }
        var node = root.get(0);
        while (node != null && node.prefix < prefix && common(node, key, node.prefix) == node.prefix) {
            node = node.children.get(bit(key, node.prefix));
        }
        boolean found = node != null && node.prefix == prefix && !node.joins() && common(node, key, prefix) == prefix;
        return found ? Optional.ofNullable(node) : Optional.empty();
    }

    /** Walks children before their parent, as the kernel does: more special prefixes first. */
    private static void visit(@Nullable Node node, Search search) {
        if (node == null || search.next != null) {
            return;
        }
        visit(node.children.get(0), search);
        visit(node.children.get(1), search);
        if (!node.joins()) {
            search.see(node);
        }
    }

    /** The entry after another one, or the first. */
    private static final class Search {
        private final @Nullable Node after;
        private boolean armed;

        @Nullable
        Node next;

        Search(Optional<Node> after) {
            this.after = after.orElse(null);
            this.armed = after.isEmpty();
        }

        void see(Node node) {
            if (armed && next == null) {
                next = node;
            }
            armed |= node == after;
        }
    }

    @Override
    public void walkKeys(KeyVisitor visitor, long room) {
        walk(root.get(0), visitor, room);
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
