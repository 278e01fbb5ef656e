package skep.source;

import java.util.Optional;

/**
 * A stretch of a source: offsets in characters, {@code start} inclusive, {@code end} exclusive. Lines and columns are
 * computed when printing.
 *
 * @param expandedFrom where the macro was called whose body this is a part of
 */
public record Span(Source source, int start, int end, Optional<Span> expandedFrom) {
    public Span {
        assert 0 <= start && start <= end && end <= source.text().length() : start + ".." + end;
    }

    public Span(Source source, int start, int end) {
        this(source, start, end, Optional.empty());
    }

    /** The smallest span that covers both; they are of one source. */
    public Span to(Span other) {
        return new Span(source, Math.min(start, other.start), Math.max(end, other.end), expandedFrom);
    }

    /** The same stretch as a part of what a call at {@code place} stands for. */
    public Span calledAt(Span place) {
        return new Span(
                source,
                start,
                end,
                Optional.of(expandedFrom.map(e -> e.calledAt(place)).orElse(place)));
    }

    public String text() {
        return source.text().substring(start, end);
    }

    @Override
    public String toString() {
        return source.name() + ":" + source.line(start) + ":" + source.column(start) + "-" + source.column(end);
    }
}
