package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.InvalidArrayIndexException;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import skep.session.aggregate.Aggregate;
import skep.session.view.TextRenderer;
import skep.session.view.Value;
import skep.session.view.View;

/** A histogram: an array of its buckets from the first to the last that counts something, with percentiles. */
@ExportLibrary(InteropLibrary.class)
final class HistogramObject extends GuestObject {
    private static final Members<HistogramObject> MEMBERS = new Members<HistogramObject>()
            .property("samples", h -> h.histogram.samples())
            .property("buckets", h -> new ArrayObject(h.buckets))
            .property("p50", h -> h.percentile(50))
            .property("p90", h -> h.percentile(90))
            .property("p99", h -> h.percentile(99))
            .property("mean", HistogramObject::mean)
            .method("percentile", 1, 1, (h, a) -> h.percentile(Guest.number(a[0])))
            .method("plus", 1, 1, (h, a) -> h.plus(a[0]))
            .method("toString", 0, 0, (h, _) -> h.text())
            .method("handle", 0, 0, (h, _) -> Handover.give(h.histogram));

    private final Aggregate.Histogram histogram;
    private final List<Object> buckets;

    HistogramObject(Aggregate.Histogram histogram) {
        this.histogram = histogram;
        this.buckets = new ArrayList<>();
        for (var bucket : histogram.buckets()) {
            var members = new LinkedHashMap<String, Object>();
            // An open end is the end of the numbers.
            members.put("low", bucket.openBelow() ? Double.NEGATIVE_INFINITY : (Object) bucket.min());
            members.put("high", bucket.openAbove() ? Double.POSITIVE_INFINITY : (Object) bucket.max());
            members.put("count", bucket.count());
            buckets.add(new RecordObject("Bucket", members));
        }
    }

    private double percentile(double percent) {
        if (!(percent >= 0 && percent <= 100)) {
            throw new IllegalArgumentException("percentile " + percent + " is not between 0 and 100");
        }
        return histogram.quantile(percent / 100);
    }

    private double mean() {
        double sum = 0;
        for (var bucket : histogram.buckets()) {
            double low = bucket.openBelow() ? bucket.max() : bucket.min();
            double high = bucket.openAbove() ? bucket.min() : bucket.max();
            sum += (low + high) / 2 * bucket.count();
        }
        return histogram.samples() == 0 ? Double.NaN : sum / histogram.samples();
    }

    private HistogramObject plus(Object other) {
        if (other instanceof HistogramObject h && h.histogram.getClass() == histogram.getClass()) {
            return new HistogramObject((Aggregate.Histogram) histogram.merge(h.histogram));
        }
        throw new IllegalArgumentException("histograms of the same shape add up; this is " + Guest.text(other));
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return "Histogram";
    }

    @Override
    String text() {
        var row = new View.Row(List.of(), new Value.Aggregated(histogram));
        return new TextRenderer().render(new View.MapView("@", false, View.Shape.HISTOGRAM, List.of(row)));
    }

    @ExportMessage
    boolean hasArrayElements() {
        return true;
    }

    @ExportMessage
    @TruffleBoundary
    long getArraySize() {
        return buckets.size();
    }

    @ExportMessage
    @TruffleBoundary
    boolean isArrayElementReadable(long index) {
        return index >= 0 && index < buckets.size();
    }

    @ExportMessage
    @TruffleBoundary
    Object readArrayElement(long index) throws InvalidArrayIndexException {
        if (!isArrayElementReadable(index)) {
            throw InvalidArrayIndexException.create(index);
        }
        return buckets.get((int) index);
    }
}
