package skep.ir.pass;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.ir.Block;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Terminator;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.source.Span;

/**
 * Writes less to stack slots. Bytes that are written again before anything reads them are not written the first time (a
 * key is zeroed for its padding, then filled); numbers stored side by side are stored together.
 */
final class SlotStores {
    private static final int WORD_BYTES = 8;

    private final Function function;
    private final SlotAddresses slots;
    private final Fresh fresh;

    private SlotStores(Function function) {
        this.function = function;
        this.slots = new SlotAddresses(function);
        this.fresh = new Fresh(function);
    }

    static Function reduce(Function function) {
        var stores = new SlotStores(function);
        return function.withBlocks(function.blocks().stream()
                .map(stores::withoutDeadStores)
                .map(stores::withWideStores)
                .toList());
    }

    // Bytes that are written twice

    private Block withoutDeadStores(Block block) {
        Map<Value, BitSet> overwritten = new HashMap<>();
        boolean last = block.end() instanceof Terminator.Return;
        var kept = new ArrayList<Inst>();
        for (var inst : block.insts().reversed()) {
            switch (inst) {
                case Inst.Store s
                when slots.place(s.base(), s.offset()).isPresent() -> {
                    var place = slots.place(s.base(), s.offset()).get();
                    var bytes = overwritten(overwritten, place.slot(), last);
                    int end = place.offset() + s.size().bytes();
                    if (place.offset() < 0 || bytes.nextClearBit(place.offset()) < end) {
                        kept.add(s);
                        bytes.set(Math.max(place.offset(), 0), Math.max(end, 0));
                    }
                }
                case Inst.Zero z
                when slots.place(z.base(), z.offset()).isPresent() -> {
                    var place = slots.place(z.base(), z.offset()).get();
                    var bytes = overwritten(overwritten, place.slot(), last);
                    zeroRest(z, place, bytes, kept);
                    bytes.set(Math.max(place.offset(), 0), Math.max(place.offset() + z.sizeBytes(), 0));
                }
                case Inst.PtrAdd p -> kept.add(p);
                case Inst.CallHelper c -> {
                    kept.add(c);
                    call(c, overwritten, last);
                }
                default -> {
                    kept.add(inst);
                    inst.operands().forEach(v -> read(v, overwritten, last));
                }
            }
        }
        return kept.size() == block.insts().size() && kept.reversed().equals(block.insts())
                ? block
                : block.with(kept.reversed(), block.end());
    }

    /** In front of a return all bytes of a slot count as overwritten: nothing reads them any more. */
    private BitSet overwritten(Map<Value, BitSet> overwritten, Value slot, boolean last) {
        return overwritten.computeIfAbsent(slot, s -> {
            var bytes = new BitSet();
            bytes.set(0, last ? slots.sizeBytes(s) : 0);
            return bytes;
        });
    }

    private void read(Value address, Map<Value, BitSet> overwritten, boolean last) {
        var slot = slots.base(address);
        if (slots.isFollowed(slot)) {
            overwritten(overwritten, slot, last).clear();
        }
    }

    private void call(Inst.CallHelper c, Map<Value, BitSet> overwritten, boolean last) {
        for (int i = 0; i < c.args().size(); i++) {
            var place = slots.place(c.args().get(i), 0);
            boolean fills = i == 0 && fillsFirstArgument(c.helper()) && place.isPresent();
            var size = fills ? slots.number(c.args().get(1)) : Optional.<Long>empty();
            if (size.isPresent() && place.get().offset() >= 0) {
                overwritten(overwritten, place.get().slot(), last)
                        .set(place.get().offset(), place.get().offset() + (int) (long) size.get());
            } else if (!(i == 0 && writesStringToFirstArgument(c.helper()))) {
                read(c.args().get(i), overwritten, last);
            }
        }
    }

    /** Helpers that write all bytes of a buffer whatever happens: on a fault they are zeros. */
    private static boolean fillsFirstArgument(Helper helper) {
        return switch (helper) {
            case PROBE_READ, PROBE_READ_KERNEL, PROBE_READ_USER -> true;
            default -> false;
        };
    }

    /** Helpers that write some bytes of a buffer and read none. */
    private static boolean writesStringToFirstArgument(Helper helper) {
        return switch (helper) {
            case PROBE_READ_STR, PROBE_READ_KERNEL_STR, PROBE_READ_USER_STR, GET_CURRENT_COMM -> true;
            default -> false;
        };
    }

    /** Zeros the stretches that nothing overwrites, cut where whole words begin. */
    private void zeroRest(Inst.Zero z, SlotAddresses.Place place, BitSet overwritten, List<Inst> kept) {
        int start = place.offset();
        int end = start + z.sizeBytes();
        int at = overwritten.nextClearBit(Math.max(start, 0));
        while (at < end) {
            int next = overwritten.nextSetBit(at);
            int stop = next < 0 ? end : Math.min(next, end);
            int word = (at + WORD_BYTES - 1) / WORD_BYTES * WORD_BYTES;
            int cut = at < word && word < stop ? word : stop;
            int align = at == 0 ? WORD_BYTES : Math.min(WORD_BYTES, Integer.lowestOneBit(at));
            kept.add(new Inst.Zero(
                    z.span(),
                    z.base(),
                    z.offset() + at - start,
                    cut - at,
                    Math.min(align, slots.alignBytes(place.slot()))));
            at = overwritten.nextClearBit(cut);
        }
    }

    // Numbers side by side

    /** The numbers being written to a slot: one element a byte, -1 where nothing is known to be written. */
    private record Image(Value base, int delta, int alignBytes, Span span, short[] bytes, List<Inst> parts) {}

    private Block withWideStores(Block block) {
        var out = new ArrayList<Inst>();
        Map<Value, Image> images = new LinkedHashMap<>();
        for (var inst : block.insts()) {
            if (!collect(inst, images)) {
                if (touchesMemory(inst)) {
                    flush(images, out);
                }
                out.add(inst);
            }
        }
        flush(images, out);
        return out.equals(block.insts()) ? block : block.with(out, block.end());
    }

    private static boolean touchesMemory(Inst inst) {
        return switch (inst) {
            case Inst.Const c -> false;
            case Inst.Binary b -> false;
            case Inst.Neg n -> false;
            case Inst.Swap s -> false;
            case Inst.Compare c -> false;
            case Inst.Select s -> false;
            case Inst.Cast c -> false;
            case Inst.PtrAdd p -> false;
            case Inst.StackSlot s -> false;
            case Inst.MapRef m -> false;
            case Inst.MapValueRef m -> false;
            case Inst.KernelVariable v -> false;
            case Inst.FunctionRef f -> false;
            default -> true;
        };
    }

    /** Takes a store of a number to a followed slot into its image. */
    private boolean collect(Inst inst, Map<Value, Image> images) {
        Value base;
        int offset;
        int size;
        long number;
        switch (inst) {
            case Inst.Store s
            when slots.number(s.value()).isPresent() -> {
                base = s.base();
                offset = s.offset();
                size = s.size().bytes();
                number = slots.number(s.value()).get();
            }
            case Inst.Zero z -> {
                base = z.base();
                offset = z.offset();
                size = z.sizeBytes();
                number = 0;
            }
            default -> {
                return false;
            }
        }
        var place = slots.place(base, offset);
        if (place.isEmpty()
                || place.get().offset() < 0
                || place.get().offset() + size > slots.sizeBytes(place.get().slot())) {
            return false;
        }
        int at = place.get().offset();
        var image = images.computeIfAbsent(place.get().slot(), slot -> {
            var bytes = new short[slots.sizeBytes(slot)];
            Arrays.fill(bytes, (short) -1);
            return new Image(base, offset - at, slots.alignBytes(slot), inst.span(), bytes, new ArrayList<>());
        });
        for (int i = 0; i < size; i++) {
            image.bytes[at + i] = (short) (i < WORD_BYTES ? number >>> 8 * i & 0xff : 0);
        }
        image.parts.add(inst);
        return true;
    }

    private void flush(Map<Value, Image> images, List<Inst> out) {
        images.values().forEach(image -> write(image, out));
        images.clear();
    }

    private void write(Image image, List<Inst> out) {
        if (image.parts.size() == 1) {
            out.add(image.parts.getFirst());
            return;
        }
        int length = image.bytes.length;
        for (int at = 0; at < length; ) {
            if (image.bytes[at] < 0) {
                at++;
                continue;
            }
            int size = image.alignBytes;
            while (at % size != 0
                    || !isWritten(image.bytes, at, size)
                    || size == WORD_BYTES && !fitsImmediate(image.bytes, at)) {
                size /= 2;
            }
            var number = new Inst.Const(image.span, fresh.value(Type.ofBytes(size)), number(image.bytes, at, size));
            out.add(number);
            out.add(new Inst.Store(image.span, MemSize.ofBytes(size), image.base, at + image.delta, number.result()));
            at += size;
        }
    }

    private static boolean isWritten(short[] bytes, int at, int size) {
        if (at + size > bytes.length) {
            return false;
        }
        for (int i = at; i < at + size; i++) {
            if (bytes[i] < 0) {
                return false;
            }
        }
        return true;
    }

    /** Eight bytes are stored as one sign-extended word of 32 bits, or else as two words. */
    private static boolean fitsImmediate(short[] bytes, int at) {
        long number = number(bytes, at, WORD_BYTES);
        return number == (int) number;
    }

    private static long number(short[] bytes, int at, int size) {
        long number = 0;
        for (int i = size - 1; i >= 0; i--) {
            number = number << 8 | bytes[at + i];
        }
        return number;
    }
}
