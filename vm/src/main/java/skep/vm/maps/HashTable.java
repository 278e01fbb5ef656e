package skep.vm.maps;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.vm.Memory;

/**
 * A hash table over a {@link Slab}: what all keyed maps share. Readers take no lock; writers lock a stripe of buckets.
 *
 * <pre>
 *  head of an element:  0 next | 4 hash | 8 free link | 12 state | 16 key, padded to 8
 *  a link:  index + 1, or -(bucket + 1) at the end of a chain, or 0 in an empty bucket
 * </pre>
 *
 * <p>Elements are reused at once, so a reader may find itself in another chain. It notices by the bucket number at the
 * end and starts again, as the kernel's {@code hlist_nulls} lists do.
 */
final class HashTable {
    static final int KEY_OFFSET = 16;
    private static final int NEXT = 0;
    private static final int HASH = 4;
    private static final int FREE_LINK = 8;
    private static final int STATE = 12;

    private static final int LIVE = 1;
    /** Looked up since the clock's hand passed last. */
    private static final int REFERENCED = 2;

    private static final int MAX_BUCKETS = 1 << 20;
    private static final int MAX_STRIPES = 1 << 10;
    /** Elements beyond the permitted ones, so that a full table can still replace. */
    private static final int SPARE = 64;

    private static final VarHandle LINK = MethodHandles.arrayElementVarHandle(int[].class);

    private final int keyBytes;
    private final int maxEntries;
    /** How often an update makes room before it gives up, because other CPUs took it each time. */
    private static final int MAX_EVICTIONS = 1024;

    private final boolean evicting;
    private final Slab slab;
    private final int[] buckets;
    private final int mask;
    private final int[] locks;
    /** An element each stripe keeps for the next replacement, plus one; 0 for none. Whoever holds the stripe's lock uses it. */
    private final int[] spares;

    private final Reader reader;
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicInteger hand = new AtomicInteger();

    /** What to do with a value when an element is made, overwritten or dropped. */
    interface Values {
        /** Fills the value of an element that no one sees yet. */
        void init(long value);

        /** Overwrites in place instead of replacing the element; {@code false} to replace. */
        boolean overwrite(long value);

        /** An element's value is out of the table. */
        default void drop(long value) {}
    }

    HashTable(MapMemory memory, int keyBytes, long valueStride, int maxEntries, boolean evicting) {
        this.keyBytes = keyBytes;
        this.maxEntries = maxEntries;
        this.evicting = evicting;
        int size = Math.clamp(Integer.highestOneBit(Math.max(1, maxEntries - 1)) * 2L, 2, MAX_BUCKETS);
        memory.charge(4L * size);
        this.buckets = new int[size];
        this.mask = size - 1;
        this.locks = new int[Math.min(size, MAX_STRIPES)];
        this.spares = new int[locks.length];
        int capacity = (int) Math.min(Integer.MAX_VALUE - 1L, (long) maxEntries + SPARE + spares.length);
        this.slab = new Slab(memory, capacity, KEY_OFFSET + ValueShape.pad(keyBytes), FREE_LINK, valueStride);
        this.reader = new Reader(buckets, mask, keyBytes, slab.layout());
    }

    int size() {
        return count.get();
    }

    /** Address of the value of a key, or 0. */
    long find(long key, boolean touch) {
        if (!touch) {
            return reader.find(key);
        }
        int index = indexOf(key);
        if (index < 0) {
            return 0;
        }
        long state = slab.head(index) + STATE;
        if (Memory.getInt(state) == LIVE) {
            // Lost by a race with the clock's hand at worst: then the element is evicted a round earlier.
            Memory.putInt(state, LIVE | REFERENCED);
        }
        return slab.value(index);
    }

    /** The element whose value holds this address. */
    BpfMap.Element elementAt(long address) {
        int index = slab.indexOfValue(address);
        return new BpfMap.Element(Memory.bytes(slab.head(index) + KEY_OFFSET, keyBytes), slab.value(index));
    }

    private int indexOf(long key) {
        return reader.indexOf(key);
    }

    private boolean sameKey(long a, long b) {
        return reader.sameKey(a, b);
    }

    private int hash(long key) {
        return reader.hash(key);
    }

    Reader reader() {
        return reader;
    }

    /**
     * How elements are found. A record, so that HotSpot takes its parts for constants where generated code knows the map.
     */
    record Reader(int[] buckets, int mask, int keyBytes, Slab.Layout elements) {
        /** Address of the value of a key, or 0. */
        long find(long key) {
            int index = indexOf(key);
            return index < 0 ? 0 : elements.value(index);
        }

        int indexOf(long key) {
            int hash = hash(key);
            int bucket = hash & mask;
            for (; ; ) {
                int link = (int) LINK.getAcquire(buckets, bucket);
                while (link > 0) {
                    long head = elements.head(link - 1);
                    if (Memory.getInt(head + HASH) == hash && sameKey(head + KEY_OFFSET, key)) {
                        return link - 1;
                    }
                    link = (int) Memory.getAcquire(head + NEXT, 4);
                }
                if (link == 0 || -link - 1 == bucket) {
                    return -1;
                }
            }
        }

        private boolean sameKey(long a, long b) {
            if (keyBytes == 8) {
                return Memory.getLong(a) == Memory.getLong(b);
            }
            if (keyBytes == 4) {
                return Memory.getInt(a) == Memory.getInt(b);
            }
            int at = 0;
            for (; at + 8 <= keyBytes; at += 8) {
                if (Memory.getLong(a + at) != Memory.getLong(b + at)) {
                    return false;
                }
            }
            for (; at < keyBytes; at++) {
                if (Memory.getByte(a + at) != Memory.getByte(b + at)) {
                    return false;
                }
            }
            return true;
        }

        private int hash(long key) {
            long mixed;
            if (keyBytes == 8) {
                mixed = Memory.getLong(key) * 0x9e37_79b9_7f4a_7c15L;
            } else if (keyBytes == 4) {
                mixed = Memory.getInt(key) * 0x9e37_79b9_7f4a_7c15L;
            } else {
                mixed = keyBytes;
                int at = 0;
                for (; at + 8 <= keyBytes; at += 8) {
                    mixed = (mixed ^ Memory.getLong(key + at)) * 0x9e37_79b9_7f4a_7c15L;
                    mixed ^= mixed >>> 29;
                }
                for (; at < keyBytes; at++) {
                    mixed = (mixed ^ Memory.getByte(key + at)) * 0x9e37_79b9_7f4a_7c15L;
                }
            }
            mixed ^= mixed >>> 32;
            return (int) (mixed ^ mixed >>> 15);
        }
    }

    /** Replaces values that are plain bytes; makes no elements. */
    Writer writer(int valueBytes) {
        return new Writer(reader, slab, locks, spares, valueBytes);
    }

    /** What {@link #put} does for a key that is there, where nothing but a copy happens to a value. */
    record Writer(Reader reader, Slab slab, int[] locks, int[] spares, int valueBytes) {
        /** Whether the key was there and has the new value now. */
        boolean replace(long key, long source) {
            var elements = reader.elements;
            int hash = reader.hash(key);
            int bucket = hash & reader.mask;
            int stripe = bucket & locks.length - 1;
            lockStripe(locks, stripe);
            try {
                int before = -1;
                int link = reader.buckets[bucket];
                while (link > 0) {
                    long head = elements.head(link - 1);
                    if (Memory.getInt(head + HASH) == hash && reader.sameKey(head + KEY_OFFSET, key)) {
                        break;
                    }
                    before = link - 1;
                    link = Memory.getInt(head + NEXT);
                }
                int fresh = link <= 0 ? 0 : spares[stripe] > 0 ? spares[stripe] : slab.take() + 1;
                if (fresh <= 0) {
                    return false;
                }
                spares[stripe] = link;
                long old = elements.head(link - 1);
                long head = elements.head(fresh - 1);
                Memory.putInt(head + HASH, hash);
                Memory.putInt(head + STATE, LIVE | REFERENCED);
                ValueShape.copyBytes(key, head + KEY_OFFSET, reader.keyBytes);
                ValueShape.copyBytes(source, elements.value(fresh - 1), valueBytes);
                Memory.putInt(head + NEXT, Memory.getInt(old + NEXT));
                if (before < 0) {
                    LINK.setRelease(reader.buckets, bucket, fresh);
                } else {
                    Memory.putRelease(elements.head(before) + NEXT, 4, fresh);
                }
                Memory.putInt(old + STATE, 0);
                return true;
            } finally {
                LINK.setRelease(locks, stripe, 0);
            }
        }
    }

    /** Creates or replaces; flags as {@link MapFlags}. */
    int put(long key, long flags, Values values) {
        return (int) put(key, flags, values, false);
    }

    /** The same, but returns the address of the value, or a negated error; errors are above -4096. */
    long putAndFind(long key, long flags, Values values) {
        return put(key, flags, values, true);
    }

    private long put(long key, long flags, Values values, boolean wantAddress) {
        if (!evicting) {
            return tryPut(key, flags, values, wantAddress, true);
        }
        // Evicting locks another bucket, so it must come before this one's lock; meanwhile others may take the room
        // that was made.
        long result = Errno.ENOMEM.negated();
        for (int attempt = 0; attempt < MAX_EVICTIONS && result == Errno.ENOMEM.negated(); attempt++) {
            result = tryPut(key, flags, values, wantAddress, makeRoom(key));
        }
        return result;
    }

    private long tryPut(long key, long flags, Values values, boolean wantAddress, boolean room) {
        int hash = hash(key);
        int bucket = hash & mask;
        int spare = -1;
        lock(bucket);
        try {
            int before = -1;
            int link = buckets[bucket];
            while (link > 0 && !isElement(link - 1, hash, key)) {
                before = link - 1;
                link = Memory.getInt(slab.head(link - 1) + NEXT);
            }
            boolean exists = link > 0;
            long how = flags & ~MapFlags.LOCK;
            if (exists && how == MapFlags.NOEXIST) {
                return Errno.EEXIST.negated();
            }
            if (!exists && how == MapFlags.EXIST) {
                return Errno.ENOENT.negated();
            }
            if (exists && values.overwrite(slab.value(link - 1))) {
                return wantAddress ? slab.value(link - 1) : 0;
            }
            if (!exists && (!room || !countOne())) {
                return evicting ? Errno.ENOMEM.negated() : Errno.E2BIG.negated();
            }
            spare = slab.take();
            if (spare < 0) {
                if (!exists) {
                    count.decrementAndGet();
                }
                return Errno.ENOMEM.negated();
            }
            long head = slab.head(spare);
            Memory.putInt(head + HASH, hash);
            Memory.putInt(head + STATE, LIVE);
            ValueShape.copyBytes(key, head + KEY_OFFSET, keyBytes);
            values.init(slab.value(spare));
            int first = buckets[bucket];
            Memory.putInt(head + NEXT, first == 0 ? -bucket - 1 : first);
            LINK.setRelease(buckets, bucket, spare + 1);
            if (exists) {
                unlink(bucket, before < 0 ? spare : before, link - 1);
                values.drop(slab.value(link - 1));
            }
            return wantAddress ? slab.value(spare) : 0;
        } finally {
            unlock(bucket);
        }
    }

    private boolean isElement(int index, int hash, long key) {
        long head = slab.head(index);
        return Memory.getInt(head + HASH) == hash && sameKey(head + KEY_OFFSET, key);
    }

    private boolean countOne() {
        for (; ; ) {
            int now = count.get();
            if (now >= maxEntries) {
                return false;
            }
            if (count.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    /** Takes an element out of its chain and frees it; {@code before} is -1 at the head of the bucket. */
    private void unlink(int bucket, int before, int index) {
        int next = Memory.getInt(slab.head(index) + NEXT);
        if (before < 0) {
            LINK.setRelease(buckets, bucket, next < 0 ? 0 : next);
        } else {
            Memory.putRelease(slab.head(before) + NEXT, 4, next);
        }
        Memory.putInt(slab.head(index) + STATE, 0);
        slab.give(index);
    }

    /** Deletes a key: 0 or -ENOENT. The value is handed to {@code values} before its element is reused. */
    int remove(long key, Values values) {
        int hash = hash(key);
        int bucket = hash & mask;
        lock(bucket);
        try {
            int before = -1;
            int link = buckets[bucket];
            while (link > 0 && !isElement(link - 1, hash, key)) {
                before = link - 1;
                link = Memory.getInt(slab.head(link - 1) + NEXT);
            }
            if (link <= 0) {
                return Errno.ENOENT.negated();
            }
            values.drop(slab.value(link - 1));
            unlink(bucket, before, link - 1);
            count.decrementAndGet();
            return 0;
        } finally {
            unlock(bucket);
        }
    }

    // ---- eviction: second chance, the clock's hand going round the elements

    private boolean makeRoom(long key) {
        if (count.get() < maxEntries || indexOf(key) >= 0) {
            return true;
        }
        // Two rounds clear every mark; a third allows for what others touch meanwhile.
        for (long steps = 3L * slab.highWater(); steps >= 0 && count.get() >= maxEntries; steps--) {
            int index = Integer.remainderUnsigned(hand.getAndIncrement(), slab.highWater());
            long state = slab.head(index) + STATE;
            switch (Memory.getInt(state)) {
                case LIVE -> evict(index);
                case LIVE | REFERENCED -> Memory.compareAndExchange(state, LIVE | REFERENCED, LIVE);
                default -> {}
            }
        }
        return count.get() < maxEntries;
    }

    private void evict(int index) {
        int bucket = Memory.getInt(slab.head(index) + HASH) & mask;
        lock(bucket);
        try {
            int before = -1;
            int link = buckets[bucket];
            while (link > 0 && link - 1 != index) {
                before = link - 1;
                link = Memory.getInt(slab.head(link - 1) + NEXT);
            }
            if (link > 0) {
                unlink(bucket, before, index);
                count.decrementAndGet();
            }
        } finally {
            unlock(bucket);
        }
    }

    // ---- walking

    /** Copies out the key after {@code key}; the first if {@code key} is 0 or not there. */
    int nextKey(long key, long next) {
        int bucket = 0;
        if (key != 0) {
            int index = indexOf(key);
            if (index >= 0) {
                bucket = hash(key) & mask;
                int link = (int) Memory.getAcquire(slab.head(index) + NEXT, 4);
                if (link > 0) {
                    ValueShape.copyBytes(slab.head(link - 1) + KEY_OFFSET, next, keyBytes);
                    return 0;
                }
                bucket++;
            }
        }
        for (; bucket < buckets.length; bucket++) {
            int link = (int) LINK.getAcquire(buckets, bucket);
            if (link > 0) {
                ValueShape.copyBytes(slab.head(link - 1) + KEY_OFFSET, next, keyBytes);
                return 0;
            }
        }
        return Errno.ENOENT.negated();
    }

    /** Visits the elements; those that come or go meanwhile may be missed or seen. Returns how many were visited. */
    long forEach(BpfMap.Visitor visitor) {
        long visited = 0;
        for (int bucket = 0; bucket < buckets.length; bucket++) {
            int link = (int) LINK.getAcquire(buckets, bucket);
            // A chain can lead into another one while elements are reused: then the walk of this bucket ends.
            for (int steps = 0; link > 0 && steps <= maxEntries; steps++) {
                long head = slab.head(link - 1);
                int following = (int) Memory.getAcquire(head + NEXT, 4);
                visited++;
                if (visitor.visit(head + KEY_OFFSET, slab.value(link - 1)) != 0) {
                    return visited;
                }
                link = following;
            }
        }
        return visited;
    }

    private void lock(int bucket) {
        lockStripe(locks, bucket & locks.length - 1);
    }

    private static void lockStripe(int[] locks, int stripe) {
        for (int spins = 0; !LINK.compareAndSet(locks, stripe, 0, 1); spins++) {
            SpinLock.pause(spins);
        }
    }

    private void unlock(int bucket) {
        LINK.setRelease(locks, bucket & locks.length - 1, 0);
    }
}
