package skep.vm.verifier;

/** The text of a verification, as the kernel writes it. Positions count from the first character ever written. */
final class Log {
    static final int LEVEL1 = 1;
    static final int LEVEL2 = 2;
    static final int STATS = 4;

    /** Longest text kept; more is dropped from the front. */
    private static final int MAX_CHARS = 16 << 20;

    private final StringBuilder text = new StringBuilder();
    private final int level;
    private long dropped;
    private String lastLine = "";

    Log(int level) {
        this.level = level;
    }

    /** Whether steps are written at all. */
    boolean steps() {
        return (level & (LEVEL1 | LEVEL2)) != 0;
    }

    boolean allPaths() {
        return (level & LEVEL2) != 0;
    }

    boolean stats() {
        return (level & STATS) != 0;
    }

    boolean isOff() {
        return level == 0;
    }

    /** A sentence about the verdict; remembered even when nothing is written. */
    void line(String line) {
        int start = line.lastIndexOf('\n') + 1;
        lastLine = line.substring(start);
        if (level != 0) {
            append(line).append('\n');
        }
    }

    StringBuilder append(String piece) {
        if (text.length() > MAX_CHARS) {
            text.delete(0, MAX_CHARS / 2);
            dropped += MAX_CHARS / 2;
        }
        return text.append(piece);
    }

    String lastLine() {
        return lastLine;
    }

    long position() {
        return dropped + text.length();
    }

    void cutTo(long position) {
        if (position < position()) {
            text.setLength((int) Math.max(0, position - dropped));
        }
    }

    /** Of what was accepted, only the log of all paths stays. */
    void endOfFunction() {
        if (!allPaths()) {
            cutTo(0);
        }
    }

    String text() {
        return text.toString();
    }
}
