package skep.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import skep.isa.Bytecode;
import skep.isa.kernel.Helper;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.VerifierInput;

/**
 * Programs that are hard to judge: about half of them safe. Numbers of every origin (random, constant, packet, map), in
 * ranges that comparisons and masks narrow, spilled and filled in parts, used as indices of stack, map values and packets;
 * loops of every kind, functions, references, atomics. The same seed gives the same program.
 */
final class RandomVerifierPrograms {
    private static final int ARRAY = 3;
    private static final int HASH = 4;
    private static final int RING = 5;
    private static final int VALUE_BYTES = 64;
    private static final int STACK_BYTES = 96;

    private static final MapDefinition ARRAY_MAP =
            MapDefinition.of(ARRAY, "numbers", MapType.ARRAY, 4, VALUE_BYTES, 4, 0);
    private static final MapDefinition HASH_MAP = MapDefinition.of(HASH, "table", MapType.HASH, 8, VALUE_BYTES, 4, 0);
    private static final MapDefinition RING_MAP = MapDefinition.of(RING, "ring", MapType.RINGBUF, 0, 0, 4096, 0);

    private static final int[] SIZES = {0x10, 0x08, 0x00, 0x18};
    private static final int[] BYTES = {1, 2, 4, 8};

    /** What the generator thinks is in a register; paths may disagree, which makes the programs that are refused. */
    private enum Content {
        NOTHING,
        NUMBER,
        STACK,
        VALUE,
        PACKET
    }

    private final Random random;
    private final List<Long> slots = new ArrayList<>();
    private final List<Integer> calls = new ArrayList<>();
    private final Content[] contents = new Content[10];
    private final ProgramType type;
    private int packetBytes;

    private RandomVerifierPrograms(long seed) {
        random = new Random(seed);
        type = new ProgramType[] {ProgramType.SOCKET_FILTER, ProgramType.TRACEPOINT, ProgramType.XDP}
                [random.nextInt(3)];
        java.util.Arrays.fill(contents, Content.NOTHING);
    }

    static VerifierInput of(long seed) {
        return new RandomVerifierPrograms(seed).build(seed);
    }

    private VerifierInput build(long seed) {
        begin();
        int steps = 4 + random.nextInt(26);
        for (int i = 0; i < steps; i++) {
            step();
        }
        emit(0xb7, 0, 0, 0, random.nextInt(2));
        emit(0x95, 0, 0, 0, 0);
        if (!calls.isEmpty()) {
            int function = slots.size();
            callee();
            for (int at : calls) {
                slots.set(at, Bytecode.pack(0x85, 0, 1, 0, function - at - 1));
            }
        }
        var code = Bytecode.of(slots.stream().mapToLong(Long::longValue).toArray());
        return VerifierInput.of(code, type)
                .name("random " + seed)
                .maps(RandomVerifierPrograms::map)
                .everyStateKept(random.nextInt(4) == 0)
                .logLevel(0)
                .build();
    }

    private static Optional<MapDefinition> map(int fd) {
        return switch (fd) {
            case ARRAY -> Optional.of(ARRAY_MAP);
            case HASH -> Optional.of(HASH_MAP);
            case RING -> Optional.of(RING_MAP);
            default -> Optional.empty();
        };
    }

    private void emit(int op, int dst, int src, int off, int imm) {
        slots.add(Bytecode.pack(op, dst, src, off, imm));
    }

    // ---- beginnings ----

    private void begin() {
        if (type == ProgramType.XDP) {
            emit(0x61, 7, 1, 0, 0);
            emit(0x61, 8, 1, 4, 0);
            packetBytes = 1 + random.nextInt(32);
            emit(0xbf, 2, 7, 0, 0);
            emit(0x07, 2, 0, 0, packetBytes);
            int op = new int[] {0x2d, 0x3d}[random.nextInt(2)];
            emit(op, 2, 8, 1, 0);
            contents[7] = Content.PACKET;
            emit(0x05, 0, 0, 2, 0);
            emit(0xb7, 0, 0, 0, 0);
            emit(0x95, 0, 0, 0, 0);
            contents[2] = Content.PACKET;
            // the way on
            emit(0xb7, 8, 0, 0, 0);
            contents[8] = Content.NUMBER;
        }
        for (int off = 8; off <= STACK_BYTES; off += 8) {
            if (random.nextInt(6) > 0) {
                emit(0x7a, 10, 0, -off, constant());
            }
        }
        for (int r : new int[] {6, 8, 9}) {
            origin(r);
        }
        if (type != ProgramType.XDP) {
            origin(7);
        }
    }

    private void origin(int reg) {
        switch (random.nextInt(6)) {
            case 0 -> {
                emit(0xb7, reg, 0, 0, constant());
                contents[reg] = Content.NUMBER;
            }
            case 1 -> {
                emit(0x18, reg, 0, 0, random.nextInt());
                emit(0, 0, 0, 0, constant());
                contents[reg] = Content.NUMBER;
            }
            case 2 -> {
                value(reg);
            }
            default -> {
                call(Helper.GET_PRANDOM_U32);
                emit(random.nextInt(4) == 0 ? 0xbc : 0xbf, reg, 0, 0, 0);
                contents[reg] = Content.NUMBER;
            }
        }
    }

    private void call(Helper helper) {
        emit(0x85, 0, 0, 0, helper.number());
        for (int r = 0; r <= 5; r++) {
            contents[r] = Content.NOTHING;
        }
        contents[0] = Content.NUMBER;
    }

    /** A looked-up map value, checked for null most of the time. */
    private void value(int reg) {
        boolean array = random.nextBoolean();
        emit(array ? 0x62 : 0x7a, 10, 0, -8, random.nextInt(6));
        emit(0xbf, 2, 10, 0, 0);
        emit(0x07, 2, 0, 0, -8);
        emit(0x18, 1, 1, 0, array ? ARRAY : HASH);
        emit(0, 0, 0, 0, 0);
        call(Helper.MAP_LOOKUP_ELEM);
        if (random.nextInt(12) > 0) {
            emit(0x55, 0, 0, 2, 0);
            emit(0xb7, 0, 0, 0, 0);
            emit(0x95, 0, 0, 0, 0);
        }
        emit(0xbf, reg, 0, 0, 0);
        contents[0] = Content.VALUE;
        contents[reg] = Content.VALUE;
    }

    // ---- steps ----

    private void step() {
        switch (random.nextInt(22)) {
            case 0, 1, 2, 3, 4 -> arithmetic();
            case 5, 6, 7, 8 -> branch();
            case 9, 10 -> spill();
            case 11, 12 -> fill();
            case 13, 14 -> access();
            case 15 -> loop();
            case 16 -> origin(6 + random.nextInt(4));
            case 17 -> {
                argument(1);
                argument(2);
                calls.add(slots.size());
                emit(0, 0, 0, 0, 0);
                for (int r = 1; r <= 5; r++) {
                    contents[r] = Content.NOTHING;
                }
                contents[0] = Content.NUMBER;
            }
            case 18 -> atomic();
            case 19 -> move();
            case 20 -> reference();
            default -> helper();
        }
    }

    private void argument(int reg) {
        int from = any(Content.NUMBER);
        if (from < 0 || random.nextInt(8) == 0) {
            emit(0xbf, reg, 10, 0, 0);
            emit(0x07, reg, 0, 0, -8 * (1 + random.nextInt(4)));
        } else {
            emit(0xbf, reg, from, 0, 0);
        }
    }

    private int any(Content content) {
        int start = random.nextInt(10);
        for (int i = 0; i < 10; i++) {
            int r = (start + i) % 10;
            if (contents[r] == content) {
                return r;
            }
        }
        return -1;
    }

    private int constant() {
        return switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1 -> random.nextInt();
            case 2 -> -1 - random.nextInt(16);
            case 3 -> 1 << random.nextInt(32);
            case 4 -> (1 << random.nextInt(31)) - 1;
            default -> random.nextInt(72);
        };
    }

    private void arithmetic() {
        int dst = any(Content.NUMBER);
        int src = any(Content.NUMBER);
        if (dst < 0) {
            return;
        }
        boolean wide = random.nextInt(3) > 0;
        boolean x = random.nextInt(3) == 0;
        int cls = wide ? 7 : 4;
        switch (random.nextInt(14)) {
            case 0 -> emit(0x80 | cls, dst, 0, 0, 0);
            case 1 ->
                emit(
                        random.nextBoolean() ? 0xd4 : random.nextBoolean() ? 0xdc : 0xd7,
                        dst,
                        0,
                        0,
                        16 << random.nextInt(3));
            case 2 -> emit(0xb0 | 8 | cls, dst, src, new int[] {8, 16, wide ? 32 : 0}[random.nextInt(3)], 0);
            case 3 -> {
                int op = random.nextBoolean() ? 0x30 : 0x90;
                emit(op | cls | (x ? 8 : 0), dst, x ? src : 0, random.nextInt(2), x ? 0 : 1 + random.nextInt(9));
            }
            case 4, 5, 6 -> {
                int op = new int[] {0x60, 0x70, 0xc0}[random.nextInt(3)];
                emit(op | cls | (x ? 8 : 0), dst, x ? src : 0, 0, x ? 0 : random.nextInt(wide ? 64 : 32));
            }
            case 7, 8 -> emit(0x50 | cls, dst, 0, 0, random.nextBoolean() ? (1 << random.nextInt(8)) - 1 : constant());
            default -> {
                int op = new int[] {0x00, 0x10, 0x20, 0x40, 0x50, 0xa0, 0x00, 0x10}[random.nextInt(8)];
                emit(op | cls | (x ? 8 : 0), dst, x ? src : 0, 0, x ? 0 : constant());
            }
        }
    }

    private void move() {
        int src = random.nextInt(4) == 0 ? 10 : random.nextInt(10);
        int dst = random.nextInt(10);
        var content = src == 10 ? Content.STACK : contents[src];
        if (content == Content.NOTHING) {
            return;
        }
        boolean narrow = content == Content.NUMBER && random.nextInt(3) == 0;
        emit(narrow ? 0xbc : 0xbf, dst, src, 0, 0);
        contents[dst] = content;
    }

    private static final int[] CONDITIONS = {0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0};

    private void branch() {
        int dst = any(Content.NUMBER);
        int src = any(Content.NUMBER);
        if (dst < 0) {
            return;
        }
        boolean x = random.nextInt(3) == 0;
        int op = CONDITIONS[random.nextInt(CONDITIONS.length)] | (random.nextInt(3) > 0 ? 5 : 6) | (x ? 8 : 0);
        if (random.nextInt(3) == 0) {
            // what does not fit leaves
            emit(op, dst, x ? src : 0, 2, x ? 0 : constant());
            emit(0xb7, 0, 0, 0, 0);
            emit(0x95, 0, 0, 0, 0);
            return;
        }
        int at = slots.size();
        emit(0, 0, 0, 0, 0);
        int inside = 1 + random.nextInt(3);
        for (int i = 0; i < inside; i++) {
            switch (random.nextInt(4)) {
                case 0 -> spill();
                case 1 -> fill();
                default -> arithmetic();
            }
        }
        slots.set(at, Bytecode.pack(op, dst, x ? src : 0, slots.size() - at - 1, x ? 0 : constant()));
    }

    private int stackOffset(int bytes) {
        int off = -STACK_BYTES + random.nextInt(STACK_BYTES / bytes) * bytes;
        return random.nextInt(12) == 0 ? off + random.nextInt(8) : off;
    }

    private void spill() {
        int n = random.nextInt(3) == 0 ? random.nextInt(4) : 3;
        int off = random.nextBoolean() ? -8 * (1 + random.nextInt(3)) : stackOffset(BYTES[n]);
        int src = random.nextInt(10);
        if (contents[src] == Content.NOTHING || (contents[src] != Content.NUMBER && n != 3)) {
            emit(0x62 & ~0x18 | SIZES[n], 10, 0, off, constant());
            return;
        }
        emit(0x63 & ~0x18 | SIZES[n], 10, src, off, 0);
    }

    private void fill() {
        int n = random.nextInt(3) == 0 ? random.nextInt(4) : 3;
        int off = random.nextBoolean() ? -8 * (1 + random.nextInt(3)) : stackOffset(BYTES[n]);
        int dst = random.nextInt(10);
        boolean signed = n != 3 && random.nextInt(4) == 0;
        emit((signed ? 0x81 : 0x61) & ~0x18 | SIZES[n], dst, 10, off, 0);
        contents[dst] = Content.NUMBER;
    }

    /** A load or store at an index that was brought into bounds, more or less. */
    private void access() {
        int index = any(Content.NUMBER);
        int base = any(random.nextBoolean() ? Content.VALUE : Content.PACKET);
        boolean stack = base < 0 || random.nextInt(3) == 0;
        int n = random.nextInt(4);
        int room = stack ? 32 : base >= 0 && contents[base] == Content.PACKET ? packetBytes : VALUE_BYTES;
        int pointer = 1 + random.nextInt(5);
        emit(0xbf, pointer, stack ? 10 : base, 0, 0);
        contents[pointer] = stack ? Content.STACK : contents[base];
        if (stack) {
            emit(0x07, pointer, 0, 0, -32);
        }
        if (index >= 0 && index != pointer && random.nextInt(5) > 0) {
            bound(index, Math.max(1, room - BYTES[n] + (random.nextInt(8) == 0 ? 1 : 0)), stack ? BYTES[n] : 1);
            emit(random.nextInt(8) == 0 ? 0x1f : 0x0f, pointer, index, 0, 0);
        }
        int value = any(Content.NUMBER);
        if (random.nextBoolean() || value < 0) {
            int dst = random.nextInt(10);
            emit(0x61 & ~0x18 | SIZES[n], dst, pointer, 0, 0);
            contents[dst] = Content.NUMBER;
        } else {
            emit(0x63 & ~0x18 | SIZES[n], pointer, value, 0, 0);
        }
    }

    private void bound(int index, int limit, int step) {
        switch (random.nextInt(4)) {
            case 0 -> emit(0x57, index, 0, 0, Integer.highestOneBit(limit) - 1 & -step);
            case 1 -> emit(0x54, index, 0, 0, Integer.highestOneBit(limit) - 1 & -step);
            case 2 -> {
                emit(new int[] {0xa5, 0xb5, 0xa6, 0xb6}[random.nextInt(4)], index, 0, 2, limit);
                emit(0xb7, 0, 0, 0, 0);
                emit(0x95, 0, 0, 0, 0);
            }
            default -> {
                emit(0xc5, index, 0, 1, limit);
                emit(0xb7, index, 0, 0, 0);
                emit(0x75, index, 0, 1, random.nextInt(8) == 0 ? -1 : 0);
                emit(0xb7, index, 0, 0, 0);
            }
        }
    }

    private void loop() {
        int counter = 6 + random.nextInt(4);
        if (contents[counter] != Content.NUMBER) {
            return;
        }
        boolean mayGoto = random.nextInt(4) == 0;
        if (!mayGoto || random.nextBoolean()) {
            emit(0xb7, counter, 0, 0, random.nextInt(3));
        }
        int head = slots.size();
        if (mayGoto) {
            emit(0xe5, 0, 0, 0, 0);
        }
        int body = random.nextInt(3);
        for (int i = 0; i < body; i++) {
            int before = slots.size();
            switch (random.nextInt(3)) {
                case 0 -> spill();
                case 1 -> fill();
                default -> arithmetic();
            }
            if (slots.size() > before && (slots.getLast() >> 8 & 0xf) == counter && (slots.getLast() & 7) != 3) {
                slots.removeLast();
            }
        }
        emit(0x07, counter, 0, 0, 1 + random.nextInt(2));
        int op = new int[] {0xa5, 0xc5, 0xb5, 0xa6}[random.nextInt(4)];
        emit(op, counter, 0, head - slots.size() - 1, 2 + random.nextInt(10));
        if (mayGoto) {
            slots.set(head, Bytecode.pack(0xe5, 0, 0, slots.size() - head - 1, 0));
        }
    }

    private static final int[] ATOMICS = {0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1};

    private void atomic() {
        int src = any(Content.NUMBER);
        if (src < 0) {
            return;
        }
        int value = any(Content.VALUE);
        boolean stack = value < 0 || random.nextBoolean();
        int operation = ATOMICS[random.nextInt(ATOMICS.length)];
        if (operation == 0xf1 && contents[0] != Content.NUMBER) {
            return;
        }
        int off = stack ? -8 * (1 + random.nextInt(4)) : 8 * random.nextInt(8);
        emit(random.nextBoolean() ? 0xdb : 0xc3, stack ? 10 : value, src, off, operation);
    }

    /** A record of a ring, reserved and given back most of the time. */
    private void reference() {
        if (type == ProgramType.XDP && random.nextBoolean()) {
            return;
        }
        emit(0x18, 1, 1, 0, RING);
        emit(0, 0, 0, 0, 0);
        emit(0xb7, 2, 0, 0, 16);
        emit(0xb7, 3, 0, 0, 0);
        call(Helper.RINGBUF_RESERVE);
        emit(0x15, 0, 0, random.nextInt(16) == 0 ? 2 : 4, 0);
        emit(0x7a, 0, 0, random.nextInt(12), constant());
        emit(0xbf, 1, 0, 0, 0);
        emit(0xb7, 2, 0, 0, 0);
        emit(0x85, 0, 0, 0, (random.nextBoolean() ? Helper.RINGBUF_SUBMIT : Helper.RINGBUF_DISCARD).number());
        contents[0] = Content.NOTHING;
    }

    private void helper() {
        if (type == ProgramType.TRACEPOINT) {
            int size = any(Content.NUMBER);
            emit(0xbf, 1, 10, 0, 0);
            emit(0x07, 1, 0, 0, -64);
            if (size > 5 && random.nextInt(3) > 0) {
                bound(size, 64, 1);
                emit(0xbf, 2, size, 0, 0);
            } else {
                emit(0xb7, 2, 0, 0, random.nextInt(66));
            }
            emit(0xb7, 3, 0, 0, 0);
            call(Helper.PROBE_READ_KERNEL);
            return;
        }
        emit(0xbf, 2, 10, 0, 0);
        emit(0x07, 2, 0, 0, -8);
        emit(0xbf, 3, 10, 0, 0);
        emit(0x07, 3, 0, 0, -STACK_BYTES + 8 * random.nextInt(5));
        emit(0x18, 1, 1, 0, HASH);
        emit(0, 0, 0, 0, 0);
        emit(0xb7, 4, 0, 0, 0);
        call(Helper.MAP_UPDATE_ELEM);
    }

    private void callee() {
        emit(0xbf, 6, 1, 0, 0);
        emit(0x7b, 10, 2, -8, 0);
        for (int r = 0; r < 10; r++) {
            contents[r] = Content.NOTHING;
        }
        contents[6] = Content.NUMBER;
        contents[1] = Content.NUMBER;
        int steps = random.nextInt(4);
        for (int i = 0; i < steps; i++) {
            switch (random.nextInt(3)) {
                case 0 -> branch();
                case 1 -> emit(0x79, 1 + random.nextInt(4), 10, -8, 0);
                default -> arithmetic();
            }
        }
        emit(random.nextBoolean() ? 0xbf : 0xbc, 0, 6, 0, 0);
        emit(0x95, 0, 0, 0, 0);
    }
}
