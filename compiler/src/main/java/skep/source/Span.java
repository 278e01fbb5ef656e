package skep.source;

/** A stretch of a source: offsets in characters, {@code start} inclusive, {@code end} exclusive. Lines and columns are computed when printing. */
public record Span(Source source, int start, int end) {
    public Span {
        assert 0 <= start && start <= end && end <= source.text().length() : start + ".." + end;
    }

    /** The smallest span that covers both; they are of one source. */
    public Span to(Span other) {
        return new Span(source, Math.min(start, other.start), Math.max(end, other.end));
    }

    public String text() {
        return source.text().substring(start, end);
    }

    @Override
    public String toString() {
        return source.name() + ":" + source.line(start) + ":" + source.column(start) + "-" + source.column(end);
    }
}
