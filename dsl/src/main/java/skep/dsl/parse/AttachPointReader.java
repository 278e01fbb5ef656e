package skep.dsl.parse;

import java.util.ArrayList;
import java.util.List;
import skep.dsl.ast.Script;
import skep.source.Source;

/**
 * Reads one attach point from the characters of a script.
 *
 * <pre>
 * attach-point = part { ":" part }
 * part         = { character | '"' … '"' | "$" digits }
 * </pre>
 *
 * It ends before a blank, a comma or an opening brace; before a {@code /} too where a path cannot stand.
 */
final class AttachPointReader {
    private final Source source;
    private final String text;
    private final List<Script.Part> parts = new ArrayList<>();
    private List<Script.Piece> pieces = new ArrayList<>();
    private final StringBuilder run = new StringBuilder();
    private int at;

    private AttachPointReader(Source source, int from) {
        this.source = source;
        this.text = source.text();
        this.at = from;
    }

    /** The attach point at {@code from}, which is not blank; it may be empty. */
    static Script.AttachPoint read(Source source, int from) {
        return new AttachPointReader(source, from).read();
    }

    private Script.AttachPoint read() {
        int from = at;
        while (at < text.length() && !ends(text.charAt(at))) {
            char c = text.charAt(at);
            if (c == ':') {
                at++;
                endPart();
            } else if (c == '"') {
                quoted();
            } else if (c == '$' && at + 1 < text.length() && Lexer.isDigit(text.charAt(at + 1))) {
                positional();
            } else if (c == '\\' && at + 1 < text.length()) {
                run.append(text.charAt(at + 1));
                at += 2;
            } else {
                run.append(c);
                at++;
            }
        }
        endPart();
        return new Script.AttachPoint(parts, source.span(from, at));
    }

    private boolean ends(char c) {
        return c <= ' '
                || c == ','
                || c == '{'
                || c == '/' && !pathMayStandHere()
                || c == '<' && !run.isEmpty() && text.indexOf('>', at) > 0 && !pathMayStandHere();
    }

    /** Binaries stand in the second part of user-space probes, pins behind iterators. */
    private boolean pathMayStandHere() {
        if (parts.isEmpty()) {
            return false;
        }
        var provider = parts.getFirst().pieces();
        var name = provider.isEmpty() ? "" : provider.getFirst().text();
        return switch (name) {
            case "u", "ur", "U", "uprobe", "uretprobe", "usdt" -> parts.size() == 1;
            case "it", "iter" -> true;
            default -> name.contains("*") || parts.size() == 1 && name.endsWith("probe") && name.startsWith("u");
        };
    }

    private void endRun(boolean quoted) {
        if (!run.isEmpty() || quoted) {
            pieces.add(new Script.Piece(run.toString(), false, quoted));
            run.setLength(0);
        }
    }

    private void endPart() {
        endRun(false);
        parts.add(new Script.Part(pieces));
        pieces = new ArrayList<>();
    }

    private void quoted() {
        endRun(false);
        at++;
        while (at < text.length() && text.charAt(at) != '"') {
            if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                at++;
            } else if (text.charAt(at) == '$' && at + 1 < text.length() && Lexer.isDigit(text.charAt(at + 1))) {
                endRun(true);
                positional();
                continue;
            }
            run.append(text.charAt(at));
            at++;
        }
        at = Math.min(at + 1, text.length());
        endRun(true);
    }

    private void positional() {
        endRun(false);
        int from = ++at;
        while (at < text.length() && Lexer.isDigit(text.charAt(at))) {
            at++;
        }
        pieces.add(new Script.Piece(text.substring(from, at), true, false));
    }
}
