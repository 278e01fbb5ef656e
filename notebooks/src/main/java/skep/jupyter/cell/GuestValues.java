package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.graalvm.polyglot.Value;
import skep.session.view.Picture;

/** Values of a C program's tables as views show them. */
final class GuestValues {
    private GuestValues() {}

    static skep.session.view.Value view(Value guest) {
        if (guest.isBoolean()) {
            return skep.session.view.Value.of(guest.asBoolean() ? 1 : 0);
        }
        if (guest.fitsInLong()) {
            return skep.session.view.Value.of(guest.asLong());
        }
        if (guest.isString()) {
            return skep.session.view.Value.of(guest.asString());
        }
        if (guest.hasArrayElements()) {
            var elements = new ArrayList<skep.session.view.Value>();
            for (long i = 0; i < guest.getArraySize(); i++) {
                elements.add(view(guest.getArrayElement(i)));
            }
            return new skep.session.view.Value.Array(elements);
        }
        return skep.session.view.Value.of(guest.toString());
    }

    /** Numbers of all CPUs are added up. */
    static skep.session.view.Value summed(Value guest, boolean perCpu) {
        if (!perCpu || !guest.hasArrayElements()) {
            return view(guest);
        }
        long sum = 0;
        for (long i = 0; i < guest.getArraySize(); i++) {
            if (!guest.getArrayElement(i).fitsInLong()) {
                return view(guest);
            }
            sum += guest.getArrayElement(i).asLong();
        }
        return skep.session.view.Value.of(sum);
    }

    /** A histogram of BCC: slot n counts values from 2^(n-1) to 2^n - 1. */
    static Picture.Bars log2Bars(String name, TreeMap<Long, Long> slots) {
        var bars = new ArrayList<Picture.Bar>();
        for (long slot = slots.firstKey(); slot <= slots.lastKey(); slot++) {
            long low = slot <= 0 ? 0 : 1L << slot - 1;
            var label = slot <= 1 ? "[" + low + "]" : "[" + low + ", " + (1L << slot) + ")";
            bars.add(new Picture.Bar(label, slots.getOrDefault(slot, 0L)));
        }
        return new Picture.Bars(name, "", List.of(new Picture.Panel("", bars, List.of())));
    }
}
